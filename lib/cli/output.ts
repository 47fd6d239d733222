import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  drawResult,
  drawTogether,
  formatsOf,
  saveResult,
  savePng,
  saveSolution,
  saveSvg,
  toJson,
  type DrawResultOptions,
  type LabelledResult,
  type NamedFigure,
  type Result,
  type SaveResultOptions,
  type Solution,
} from '../index.js';
import { LossAtlasError } from '../errors.js';
import type { ResultKind } from '../io/result-format.js';
import { figuresOf, figuresOfKind } from '../report/draw-result.js';
import type { FigureKind } from '../report/figure-kinds.js';
import { drawResultChecks } from '../report/figure-options.js';
import { checkOptions, invalidOption, isPositive } from '../validate.js';
import { makeFolder, removeEmptyFolders, requireWritable } from './make-folder.js';
import { hasNoExtent } from './no-extent.js';
import { figureOptions, outputOptions } from './options/output-options.js';
import { take, type Values } from './options/table.js';

/** Where the results of a command go: stdout, and files of results and figures in a folder. */
export class Output {
  readonly isJson: boolean;
  readonly #folder: string | null;
  readonly #name: string;
  readonly #formats: readonly string[];
  readonly #saveOptions: Readonly<Record<string, SaveResultOptions>>;
  readonly #images: readonly string[];
  readonly #figures: DrawResultOptions;
  readonly #pixelRatio: number | undefined;
  /** Folders that were not there. */
  #made: readonly string[] = [];
  /** Some are written again and again. */
  readonly #written = new Set<string>();
  readonly #drawn = new Set<string>();
  /** Asked figures, and a result that had none of the name. */
  readonly #missing = new Map<FigureKind, Result>();
  /** Of the first figure that could not be drawn. */
  #failure: LossAtlasError | null = null;

  constructor(values: Values, name: string) {
    this.isJson = values.json === true;
    this.#folder = (values.out as string | undefined) ?? (this.isJson ? null : 'lossatlas-out');
    this.#name = (values.name as string | undefined) ?? name;
    this.#formats = (values.formats as readonly string[] | undefined) ?? ['json'];
    this.#images = ((values.images as readonly string[] | undefined) ?? ['svg', 'png']).filter(
      (f) => f !== 'none',
    );
    this.#saveOptions = {
      h5: take(values, { split: outputOptions.split }),
      vtp: take(values, { scale: figureOptions.scale, cap: figureOptions.cap }),
    };
    this.#figures = drawOptions(values);
    this.#pixelRatio = values.pixelRatio as number | undefined;
    // Before hours of work, not after.
    checkOptions('figures', this.#figures, drawResultChecks);
    checkOptions('figures', { pixelRatio: this.#pixelRatio }, { pixelRatio: isPositive });
  }

  /** Throws ERR_INVALID_OPTION for asked figures that no result of these kinds has. */
  requireFigures(kinds: readonly ResultKind[]): void {
    const known = kinds.flatMap((kind) => Object.keys(figuresOfKind(kind)));
    const unknown = this.#figures.figures?.find((name) => !known.includes(name));
    if (unknown === undefined) return;
    const words = known.length === 0 ? 'absent, there are none' : `among ${[...new Set(known)].join(', ')}`;
    throw invalidOption("option 'figures'", `${words} for this command`, unknown);
  }

  /** Makes the folder and sees that it can be written to. Throws ERR_FILE_NOT_WRITABLE. */
  async prepare(): Promise<void> {
    if (this.#folder === null) return;
    this.#made = [...this.#made, ...(await makeFolder(this.#folder))];
    await requireWritable(this.pathOf('', '.json'));
  }

  /** After a run that failed before anything was written. */
  async removeEmptyFolder(): Promise<void> {
    await removeEmptyFolders(this.#made);
  }

  /** Writes into the folder, which is not left behind empty where that fails: of commands that compute nothing for long. */
  async within(write: () => Promise<void>): Promise<void> {
    try {
      await this.prepare();
      await write();
    } catch (error) {
      await this.removeEmptyFolder();
      throw error;
    }
  }

  /** `<folder>/<name>-<part><ending>`. */
  pathOf(part: string, ending: string): string {
    return join(this.#folder ?? '.', `${this.#name}${part === '' ? '' : `-${part}`}${ending}`);
  }

  /** Where a sweep keeps its points; undefined where no files are written and none is asked for. */
  resumePath(values: Values): { resume?: string } {
    const { resume } = values;
    if (resume === false) return {};
    if (typeof resume === 'string') return { resume };
    return this.#folder === null ? {} : { resume: this.pathOf('', '.resume') };
  }

  /** Writes a result and its figures; `part` tells it from others of the same run. */
  async save(result: Result, part = '', more: DrawResultOptions = {}): Promise<void> {
    if (this.#folder === null) return;
    for (const format of this.#formatsOf(result))
      await this.write(part, `.${format}`, (path) => saveResult(path, result, this.#saveOptions[format]));
    if (this.#images.length === 0) return;
    // The numbers are what was asked for; of `plot`, which writes figures alone, it is an error.
    if (this.#formats.length > 0 && hasNoExtent(result)) {
      process.stderr.write(
        `\nlossatlas: no figure of the ${result.kind}, of which an axis has a single point.\n`,
      );
      await this.sayOlder(/^(-[a-z-]+)?\.(svg|png)$/, 'figures');
      return;
    }
    try {
      await this.saveFigures(this.#draw(result, more), part);
    } catch (error) {
      // What comes after must not be lost with a figure, unless the disk is full.
      if (!(error instanceof LossAtlasError) || error.code === 'ERR_FILE_NOT_WRITABLE') throw error;
      this.#failure ??= error;
    }
  }

  /** Of the asked figures those that the result can have; `finish` refuses those that none had. */
  #draw(result: Result, more: DrawResultOptions): readonly NamedFigure[] {
    const { figures: asked } = this.#figures;
    if (asked === undefined) return drawResult(result, { ...more, ...this.#figures });
    const known = Object.keys(figuresOf(result));
    for (const name of asked) {
      if (known.includes(name)) this.#drawn.add(name);
      else this.#missing.set(name, result);
    }
    const figures = asked.filter((name) => known.includes(name));
    return drawResult(result, { ...more, ...this.#figures, figures });
  }

  /** JSON stands in for formats that cannot hold such a result. */
  #formatsOf({ kind }: Result): readonly string[] {
    const able = this.#formats.filter((format) => formatsOf(kind).includes(`.${format}`));
    const unable = this.#formats.filter((format) => !able.includes(format));
    if (unable.length === 0) return able;
    process.stderr.write(
      `lossatlas: ${unable.join(' and ')} cannot hold a ${kind}: it is written as JSON.\n`,
    );
    return able.includes('json') ? able : [...able, 'json'];
  }

  /** A checkpoint that PyTorch reads. */
  async saveSolution(solution: Solution, part: string): Promise<void> {
    if (this.#folder === null) return;
    await this.write(part, '.pth', async (path) => saveSolution(path, solution));
  }

  /** Figures of several results together. */
  async saveTogether(results: readonly LabelledResult[]): Promise<void> {
    await this.saveFigures(drawTogether(results, this.#figures), '');
  }

  async saveFigures(figures: readonly NamedFigure[], part: string): Promise<void> {
    for (const { name, svg } of figures) {
      // A single figure needs no name of its own, nor does the surface of a 'surface'.
      const own = figures.length === 1 || name === (part === '' ? this.#name : part) ? '' : name;
      const names = [part, own].filter((piece) => piece !== '').join('-');
      for (const format of this.#images) {
        const ratio = this.#pixelRatio === undefined ? {} : { scale: this.#pixelRatio };
        await this.write(names, `.${format}`, (path) =>
          format === 'svg' ? saveSvg(path, svg) : savePng(path, svg, ratio),
        );
      }
    }
  }

  /** Notes what is written, for `finish`. */
  async write(part: string, ending: string, write: (path: string) => Promise<void>): Promise<void> {
    const path = this.pathOf(part, ending);
    // Another run may have found it empty and taken it away.
    if (this.#folder !== null) await makeFolder(this.#folder);
    await write(path);
    this.#written.add(path);
  }

  /** Of files of this name and `ending` that this run has not written: nobody should take them for its own. */
  async sayOlder(ending: RegExp, what: string): Promise<void> {
    if (this.#folder === null) return;
    const start = this.#name;
    // A notice must not cost the run.
    const older = (await readdir(this.#folder).catch(() => []))
      .filter((file) => file.startsWith(start) && ending.test(file.slice(start.length)))
      .filter((file) => !this.#written.has(join(this.#folder!, file)));
    if (older.length > 0)
      process.stderr.write(
        `lossatlas: ${older.join(', ')}: ${what} of an earlier run, which are left as they are.\n`,
      );
  }

  /** The result on stdout, as JSON or in words. */
  print(result: Result, words: string): void {
    process.stdout.write(this.isJson ? toJson(result) : `${words}\n`);
  }

  /**
   * Takes away what a finished run resumes from, and says what there is. Throws what a figure could not be drawn for, and
   * ERR_INVALID_OPTION for asked figures that no result had.
   */
  async finish(resumeFiles: readonly string[]): Promise<void> {
    for (const path of resumeFiles) await rm(path, { force: true });
    if (this.#written.size > 0 && !this.isJson)
      process.stdout.write(`\nWritten: ${[...this.#written].join(', ')}\n`);
    if (this.#failure !== null) throw this.#failure;
    for (const [name, result] of this.#missing)
      if (!this.#drawn.has(name)) drawResult(result, { figures: [name] });
  }
}

/** Options of figures, those of densities under their own keys. */
function drawOptions(values: Values): DrawResultOptions {
  const {
    pixelRatio: _,
    densityPoints,
    densityVariance,
    densityRange,
    decadeWidth,
    floor,
    ...rest
  } = take<Record<string, unknown>>(values, figureOptions);
  const density = given({ points: densityPoints, variance: densityVariance, range: densityRange });
  const logDensity = given({ points: densityPoints, width: decadeWidth, floor });
  return { ...rest, density, logDensity };
}

function given(options: Values): Values {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
