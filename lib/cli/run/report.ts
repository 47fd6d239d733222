import { LossAtlasError } from '../../index.js';
import type { Invocation } from '../command.js';

export async function runReport(_: Invocation): Promise<void> {
  return Promise.reject(new LossAtlasError('ERR_INVALID_OPTION', 'not yet'));
}
