import { createRequire } from 'node:module';

import { Resvg } from '@resvg/resvg-js';

import { LossAtlasError } from '../errors.js';
import { checkOptions, isPositive } from '../validate.js';

export interface RenderOptions {
  /** Pixels per SVG unit (default 2). */
  readonly scale?: number | undefined;
}

const maxPixelsPerSide = 16384;
const { resolve } = createRequire(import.meta.url);

// Without fonts text vanishes silently, and system fonts differ from machine to machine.
const fontFiles = ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf'].map((file) =>
  resolve(`dejavu-fonts-ttf/ttf/${file}`),
);

/** Renders an SVG figure to PNG bytes with the DejaVu fonts. Throws ERR_INVALID_OPTION, ERR_INVALID_DATA. */
export function renderPng(svg: string, options: RenderOptions = {}): Uint8Array {
  checkOptions('renderPng', options, { scale: isPositive });
  const { scale = 2 } = options;
  const image = parse(svg, scale);
  const side = Math.max(image.width, image.height) * scale;
  if (side > maxPixelsPerSide) {
    const limit = `at most ${maxPixelsPerSide} pixels per side are rendered`;
    throw new LossAtlasError(
      'ERR_INVALID_OPTION',
      `scale ${scale} gives ${Math.round(side)} pixels; ${limit}.`,
    );
  }
  return image.render().asPng();
}

function parse(svg: string, scale: number): Resvg {
  try {
    return new Resvg(svg, {
      fitTo: { mode: 'zoom', value: scale },
      font: { fontFiles, loadSystemFonts: false, defaultFontFamily: 'DejaVu Sans' },
      logLevel: 'off',
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LossAtlasError('ERR_INVALID_DATA', `The SVG cannot be rendered: ${reason}.`, { cause });
  }
}
