import { renderPng, type RenderOptions } from '../plot/rasterize.js';
import { writeWholeFile } from './write-file.js';

/** Writes an SVG figure to `path`, whole or not at all. Throws ERR_FILE_NOT_WRITABLE. */
export async function saveSvg(path: string, svg: string): Promise<void> {
  await writeWholeFile(path, svg.endsWith('\n') ? svg : `${svg}\n`);
}

/** Renders an SVG figure (scale 2 by default) and writes the PNG, whole or not at all. Throws ERR_FILE_NOT_WRITABLE. */
export async function savePng(path: string, svg: string, options: RenderOptions = {}): Promise<void> {
  await writeWholeFile(path, renderPng(svg, options));
}
