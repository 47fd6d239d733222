import { readFileSync } from 'node:fs';

import { LossAtlasError } from '../errors.js';

let script: string | null = null;

/** The browser part of reports, bundled when the library was built. Throws ERR_FILE_NOT_FOUND. */
export function viewerScript(): string {
  try {
    script ??= readFileSync(new URL('./viewer.js', import.meta.url), 'utf8').trim();
    return script;
  } catch (cause) {
    const message =
      'The viewer of reports (dist/report/viewer.js) is missing: build the package with npm run build.';
    throw new LossAtlasError('ERR_FILE_NOT_FOUND', message, { cause });
  }
}
