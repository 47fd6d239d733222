// Bundles the browser part of reports: one script without imports, which every report carries.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './console.mjs';
import { root } from './project.mjs';

export const viewerBundle = join(root, 'dist', 'report', 'viewer.js');

// Their licence asks for this line in every copy.
const notice =
  '/* lossatlas, Apache-2.0; contains parts of d3 (d3-array, d3-color, d3-contour, d3-interpolate, d3-path, ' +
  'd3-scale-chromatic, d3-shape), copyright Mike Bostock, ISC licence */';

/** Writes dist/report/viewer.js; takes a tenth of a second, so it is done every time. */
export async function buildViewer() {
  const entry = join(root, 'lib', 'report', 'viewer', 'main.ts');
  if (!existsSync(entry)) return;
  const { build } = await import('esbuild').catch(() => {
    throw new SetupError(
      'ERR_NO_ESBUILD',
      'the package esbuild is not installed: run npm ci (with development packages).',
    );
  });
  await build({
    entryPoints: [entry],
    outfile: viewerBundle,
    bundle: true,
    minify: true,
    format: 'iife',
    target: ['chrome100', 'firefox100', 'safari15.4'],
    // Non-ASCII characters as they are: the page is UTF-8.
    charset: 'utf8',
    banner: { js: notice },
    legalComments: 'none',
    tsconfig: join(root, 'tsconfig.viewer.json'),
    logLevel: 'warning',
  });
}
