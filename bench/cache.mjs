// Where the benchmark keeps what it makes: inputs, references, its Python.
import { join } from 'node:path';
import { root } from '../scripts/project.mjs';

export const cacheFolder = join(root, 'bench', '.cache');
