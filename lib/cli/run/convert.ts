import { extname } from 'node:path';
import { loadResult, saveResult, type SaveResultOptions } from '../../index.js';
import type { Invocation } from '../command.js';
import { requireWritable } from '../make-folder.js';
import { convertOptions } from '../options/output-options.js';
import { take } from '../options/table.js';
import { loadOptions } from './saved-results.js';

export async function runConvert({ values }: Invocation): Promise<void> {
  const [from, to] = [values.from as string, values.to as string];
  await requireWritable(to);
  const result = await loadResult(from, undefined, loadOptions(from, values));
  // A split that chose what is read names what is written too.
  const others = ['.h5', '.hdf5'].includes(extname(to).toLowerCase()) ? [] : ['split'];
  await saveResult(to, result, take<SaveResultOptions>(values, convertOptions, others));
  process.stdout.write(`Written: ${to} (${result.kind})\n`);
}
