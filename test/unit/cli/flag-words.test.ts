import { expect } from 'chai';
import { LossAtlasError } from '../../../dist/index.js';
import { flagWords, inDataOptions, inFlags } from '../../../dist/cli/flag-words.js';
import { option, type OptionTable } from '../../../dist/cli/options/table.js';
import { count, flag, path } from '../../../dist/cli/options/value-type.js';

const table: OptionTable = {
  stepSize: option(count, ''),
  relativeError: option(count, ''),
  steps: option(count, ''),
  seed: option(count, ''),
  dropoutSeed: option(count, '', { as: 'seed' }),
  dropSeed: option(count, ''),
  minimumCount: option(count, '', { as: 'least' }),
  resume: option(path, '', { isNegatable: true }),
  spectrum: option(flag, '', { isOn: true }),
  by: option(path, ''),
  loss: option(path, ''),
};

describe('errors of the library on the command line', () => {
  it('speak of its options', () => {
    for (const [message, words] of [
      ["train: schedule: option 'stepSize' must be 1", 'option --step-size must be 1'],
      ["trackCheckpoints: option 'steps' must be 1", 'option --steps must be 1'],
      ["Option 'step-size' is for curves.", 'Option --step-size is for curves.'],
      ['Give resume: true to go on with it.', 'Give --resume to go on with it.'],
      ["absent but with 'spectrum: false', but is 3.", 'absent but with --no-spectrum, but is 3.'],
      ["{ by: 'order' } takes them so.", '--by order takes them so.'],
      ["absent without option 'relativeError', which", 'absent without option --relative-error, which'],
      ["option 'seed' must be 1", 'option --seed must be 1'],
      ["option 'least' must be 1", 'option --minimum-count must be 1'],
      ["train: drop: option 'seed' must be 1", 'option --drop-seed must be 1'],
      ['weightsOf: the model has none', 'the model has none'],
      ['The largest stepSize counts', 'The largest --step-size counts'],
      ["load it with dropSeed: 'free'", 'load it with --drop-seed free'],
      ['Give stepSize: 4 and more', 'Give --step-size 4 and more'],
      ["{ dropSeed: 'free' } takes it", '--drop-seed free takes it'],
    ] as const)
      expect(flagWords(message, table, ['train', 'weightsOf']), message).to.equal(words);
  });

  it('leave alone what is no option of the command: values, paths, data, and settings in a file', () => {
    for (const message of [
      "option 'colour' must be red",
      "data option 'steps' must be 1",
      "There is no file 'runs/stepSize/a.pth'.",
      'steps: 3 in the file, 4 now; spectrum: true in the file, false now',
      'Read it with lazy: false.',
      'Loss and steps by name.',
      'stepsOf: the name of a file',
      'train: there is no sample 7; there are 3, from 0.',
      "There is no file '/data/my stepSize file.npz'; the model's is 'a stepSize b'.",
      "Parameter 'stepSize' is float16, and 'stepSize' and 'other' are one.",
    ])
      expect(flagWords(message, table, ['train', 'weightsOf'])).to.equal(message);
    const other = new TypeError("option 'steps'");
    expect(inFlags(other, table)).to.equal(other);
  });

  it('keep their code, and what they came from', () => {
    const error = new LossAtlasError('ERR_RESUME', "option 'steps' differs");
    const found = inFlags(error, table) as LossAtlasError;
    expect([found.code, found.message, found.cause]).to.deep.equal([
      'ERR_RESUME',
      'option --steps differs',
      error,
    ]);
  });

  it('of the readers speak of data options, also where the command has one of the name', () => {
    const error = new LossAtlasError('ERR_INVALID_OPTION', "loadDataset: option 'targetsPath' is for IDX");
    const found = inDataOptions(error) as LossAtlasError;
    expect(found.message).to.equal("data option 'targets-path' is for IDX");
    expect(inFlags(found, { targetsPath: option(path, '') })).to.equal(found);
  });
});
