import { loadJson, saveJson } from '../../index.js';
import type { Invocation } from '../command.js';

export async function runConvert({ values }: Invocation): Promise<void> {
  await saveJson(values.to as string, await loadJson(values.from as string));
}
