import { LossAtlasError } from '../errors.js';
import type { Result } from '../io/result-format.js';
import { drawAtlas } from '../plot/atlas.js';
import { drawDensity } from '../plot/density.js';
import { landscapeTitle } from '../plot/describe.js';
import { drawLines } from '../plot/lines.js';
import { drawLogDensity } from '../plot/log-density.js';
import type { LandscapeAtlas, LossLine, LossSurface, SpectralDensity } from '../results.js';
import { renderDensity } from '../spectrum/density.js';
import { renderLogDensity } from '../spectrum/log-density.js';
import { checkOptions } from '../validate.js';
import type { NamedFigure } from './draw-result.js';
import {
  drawResultChecks,
  frameOptions,
  fieldOptions,
  mapOptions,
  pick,
  type DrawResultOptions,
} from './figure-options.js';

/** A result under the name that a comparison gives it. */
export interface LabelledResult<R extends Result = Result> {
  readonly label: string;
  readonly result: R;
}

/**
 * Results of one kind side by side on shared scales, as SVG: surfaces as panels (in perspective and as contours), lines and
 * spectral densities as curves in one frame.
 *
 *     drawTogether([{ label: 'with shortcuts', result: a }, { label: 'without', result: b }], { scale: 'log' });
 *
 * Throws ERR_INVALID_OPTION, and ERR_INVALID_DATA for results of other or different kinds.
 */
export function drawTogether(
  results: readonly LabelledResult[],
  options: DrawResultOptions = {},
): readonly NamedFigure[] {
  checkOptions('drawTogether', options, drawResultChecks);
  if (allOf<LossSurface>(results, 'loss-surface')) return surfacesTogether(results, options);
  if (allOf<LossLine>(results, 'loss-line')) {
    const lines = results.map(({ label, result }) => ({ label, line: result }));
    return [{ name: 'line', svg: drawLines(lines, pick(options, fieldOptions)) }];
  }
  if (allOf<SpectralDensity>(results, 'spectral-density')) return densitiesTogether(results, options);
  const kinds = [...new Set(results.map(({ result }) => result.kind))];
  throw new LossAtlasError(
    'ERR_INVALID_DATA',
    `drawTogether: surfaces, lines or spectral densities, all of one kind, can share a figure; here are ${kinds.join(', ') || 'none'}.`,
  );
}

function allOf<R extends Result>(
  results: readonly LabelledResult[],
  kind: R['kind'],
): results is readonly LabelledResult<R>[] {
  return results.length > 0 && results.every(({ result }) => result.kind === kind);
}

function surfacesTogether(
  results: readonly LabelledResult<LossSurface>[],
  options: DrawResultOptions,
): readonly NamedFigure[] {
  const atlas: LandscapeAtlas = {
    kind: 'landscape-atlas',
    formatVersion: 2,
    titles: results.map(({ label }) => label),
    surfaces: results.map(({ result }) => result),
    spread: null,
  };
  // A title of one of them would be wrong for the others.
  const titles = new Set(results.map(({ result }) => landscapeTitle(result)));
  const page = {
    ...(titles.size > 1 ? { title: '' } : {}),
    shared: true,
    ...pick(options, [...mapOptions, 'columns', 'shared']),
  };
  const views = pick(options, ['azimuth', 'elevation']);
  return [
    { name: 'surface', svg: drawAtlas(atlas, { ...page, ...views }) },
    { name: 'contour', svg: drawAtlas(atlas, { ...page, kind: 'contour' }) },
  ];
}

function densitiesTogether(
  results: readonly LabelledResult<SpectralDensity>[],
  options: DrawResultOptions,
): readonly NamedFigure[] {
  const chosen = { title: 'Eigenvalue density', ...pick(options, [...frameOptions, 'scale', 'numDecades']) };
  const curves = <C>(render: (spectrum: SpectralDensity) => C) =>
    results.map(({ label, result }) => ({ label, curve: render(result) }));
  const density = curves((spectrum) => renderDensity(spectrum, options.density));
  const logDensity = curves((spectrum) => renderLogDensity(spectrum, options.logDensity));
  return [
    { name: 'density', svg: drawDensity(density, chosen) },
    { name: 'log-density', svg: drawLogDensity(logDensity, chosen) },
  ];
}
