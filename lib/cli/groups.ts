import type { ArgumentSpec } from './command.js';
import { dataTable } from './data-spec.js';
import { figureOptions, outputOptions, runOptions } from './options/output-options.js';
import { modelOptions, objectiveOptions, weightsOptions } from './options/setting-options.js';
import type { OptionGroup } from './options/table.js';

/** Options that commands have in common, under their headings in help texts. */
export const modelGroup: OptionGroup = { title: 'Model:', options: { ...modelOptions, ...weightsOptions } };
export const dataGroup: OptionGroup = { title: 'Data:', options: dataTable };
export const objectiveGroup: OptionGroup = { title: 'Loss:', options: objectiveOptions };
export const outputGroup: OptionGroup = { title: 'Results:', options: outputOptions };
export const figureGroup: OptionGroup = { title: 'Figures:', options: figureOptions };
export const runGroup: OptionGroup = { title: 'Run:', options: runOptions };

/** What every analysis of one model on one data set takes, around options of its own. */
export function analysisGroups(...own: readonly OptionGroup[]): readonly OptionGroup[] {
  return analysisGroupsOf({}, ...own);
}

/** The same with groups in the place of the model's or the loss's. */
export function analysisGroupsOf(
  {
    model = modelGroup,
    loss = objectiveGroup,
  }: { readonly model?: OptionGroup; readonly loss?: OptionGroup },
  ...own: readonly OptionGroup[]
): readonly OptionGroup[] {
  return [model, dataGroup, loss, ...own, outputGroup, figureGroup, runGroup];
}

export const modelArgument: ArgumentSpec = { name: 'model', help: 'TorchScript or .pt2' };
