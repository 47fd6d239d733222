import { saveReport, type ReportOptions } from '../../index.js';
import { throwIfAborted } from '../../steps.js';
import type { Invocation } from '../command.js';
import { requireWritable } from '../make-folder.js';
import { reportOptions } from '../options/output-options.js';
import { take } from '../options/table.js';
import { openResults } from './saved-results.js';

export async function runReport({ values, signal }: Invocation): Promise<void> {
  const path = (values.out as string | undefined) ?? 'report.html';
  await requireWritable(path);
  const results = await openResults(values);
  throwIfAborted(signal);
  // Names of files say less than what the report finds in the results.
  const entries = results.map(({ label, result }) =>
    values.labels === undefined ? result : { result, title: label },
  );
  await saveReport(path, entries, take<ReportOptions>(values, { title: reportOptions.title }));
  process.stdout.write(`Written: ${path}\n`);
}
