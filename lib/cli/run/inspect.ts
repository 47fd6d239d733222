import { describeInspection, inspect, LossAtlasError, type Inspection } from '../../index.js';

/** Whether all files could be looked at. */
export async function inspectFiles(paths: readonly string[], asJson: boolean): Promise<boolean> {
  const inspections: (Inspection | { path: string; error: string; code: string })[] = [];
  let isFine = true;
  for (const path of paths) {
    try {
      const inspection = await inspect(path);
      inspections.push(inspection);
      if (!asJson) process.stdout.write(`${describeInspection(inspection)}\n\n`);
    } catch (error) {
      if (!(error instanceof LossAtlasError)) throw error;
      isFine = false;
      inspections.push({ path, error: error.message, code: error.code });
      process.stderr.write(`lossatlas: ${error.message} [${error.code}]\n`);
    }
  }
  if (asJson) process.stdout.write(`${JSON.stringify(inspections, null, 2)}\n`);
  return isFine;
}
