import type { Mode } from '../index.js';
import type { Setting } from './setting.js';

/** Of a dry run: what was loaded, and in which mode the losses are taken. */
export function settingWords({ model, loss, at }: Setting, mode: Mode = loss.mode): string[] {
  const weights = at === undefined ? '' : `, weights of ${at.label}`;
  return [
    `Model     ${model.name}: ${model.size} parameters, ${model.dtype} on ${model.device}${weights}`,
    `Data      ${loss.data.name}: ${loss.data.numSamples} samples, ${mode} mode`,
  ];
}
