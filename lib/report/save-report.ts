import type { Result } from '../io/json.js';
import { writeWholeFile } from '../io/write-file.js';
import { reportHtml, type ReportOptions } from './report.js';
import type { ReportEntry } from './titles.js';

/**
 * Writes `reportHtml` to a file, whole or not at all.
 *
 *     await saveReport('report.html', [surface, spectrum], { title: 'ResNet-20' });
 *
 * Throws ERR_INVALID_OPTION, ERR_INVALID_DATA, ERR_FILE_NOT_WRITABLE.
 */
export async function saveReport(
  path: string,
  results: readonly (Result | ReportEntry)[],
  options: ReportOptions = {},
): Promise<void> {
  await writeWholeFile(path, reportHtml(results, options));
}
