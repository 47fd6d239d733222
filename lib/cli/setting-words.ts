import type { Setting } from './setting.js';

/** Of a dry run: what was loaded. */
export function settingWords({ model, loss, at }: Setting): string[] {
  const weights = at === undefined ? '' : `, weights of ${at.label}`;
  return [
    `Model     ${model.name}: ${model.size} parameters, ${model.dtype} on ${model.device}${weights}`,
    `Data      ${loss.data.name}: ${loss.data.numSamples} samples, ${loss.mode} mode`,
  ];
}
