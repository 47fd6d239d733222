import { LossAtlasError } from '../errors.js';
import { decodeField, encodeField, inlineArrays, type Codec, type Refuse } from '../io/json-fields.js';
import type { NpyArray } from '../io/npy.js';
import { readNpz, writeNpz } from '../io/npz.js';
import { axisShape, solutionShape } from '../io/shapes/landscape-shapes.js';
import type { Shape } from '../io/shapes/shape.js';
import { writeWholeFile } from '../io/write-file.js';
import { BufferState, bufferStateFrom } from '../model/buffer-state.js';
import type { Model } from '../model/model.js';
import { disposeAll } from '../model/parameter-vector.js';
import { Solution } from '../model/solution.js';
import type { AxisDescription, MarkedSolution } from '../results.js';
import { Direction } from './direction.js';
import { bufferArrays, bufferValues, joinArrays, splitArrays } from './parameter-arrays.js';
import { Plane } from './plane.js';
import { readWholeFile } from '../io/read-file.js';

interface Header {
  readonly format: 'lossatlas plane 1';
  readonly axes: readonly [AxisDescription, AxisDescription];
  readonly solutions: readonly MarkedSolution[];
  readonly explainedVariance: Float64Array | null;
  /** Label of the origin; empty for the model's own parameters. */
  readonly origin: string;
  readonly hasBuffers: boolean;
  readonly hasAdamStep: boolean;
}

const headerShape: Shape = {
  format: { oneOf: ['lossatlas plane 1'] },
  axes: { tuple: [axisShape, axisShape] },
  solutions: { objects: solutionShape },
  explainedVariance: 'float64|null',
  origin: 'string',
  hasBuffers: 'boolean',
  hasAdamStep: 'boolean',
};

/**
 * Keeps a plane, so that another data set, mode or model of the same architecture is seen on the very same axes: an `.npz`
 * with one array an axis and parameter (`axis1/conv1.weight`), the origin if it is not the model's own, and a description.
 * Throws ERR_FILE_NOT_WRITABLE.
 */
export async function savePlane(path: string, plane: Plane): Promise<void> {
  const { axes, origin, solutions, explainedVariance, adamStep } = plane;
  const hasBuffers = axes.every(({ buffers }) => buffers !== null);
  const header: Header = {
    format: 'lossatlas plane 1',
    axes: [axes[0].description, axes[1].description],
    solutions,
    explainedVariance,
    origin: origin?.label ?? '',
    hasBuffers,
    hasAdamStep: adamStep !== null,
  };
  const json = JSON.stringify(encodeField({ object: headerShape }, header, '', codecOf(path)));
  const text = Uint8Array.from(new TextEncoder().encode(json));
  const arrays: [string, NpyArray][] = [['description', { dtype: 'u1', data: text, shape: [text.length] }]];
  for (const [i, { vector, buffers }] of axes.entries()) {
    arrays.push(...(await splitArrays(vector, `axis${i + 1}/`)));
    if (hasBuffers) arrays.push(...(await bufferArrays(buffers!, `axis${i + 1}-buffers/`)));
  }
  if (origin !== null) {
    arrays.push(...(await splitArrays(origin.theta, 'origin/')));
    arrays.push(...(await bufferArrays(origin.buffers, 'origin-buffers/')));
  }
  if (adamStep !== null) arrays.push(...(await splitArrays(adamStep, 'adam-step/')));
  await writeWholeFile(path, writeNpz(Object.fromEntries(arrays)));
}

/**
 * A plane that `savePlane` kept, for a model of the same parameters. It owns its origin.
 * Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_INVALID_DATA, ERR_LAYOUT_MISMATCH.
 */
export async function loadPlane(path: string, model: Model): Promise<Plane> {
  const arrays = readNpz(await readWholeFile(path), `'${path}'`);
  const header = readHeader(arrays, path);
  const source = `'${path}'`;
  const owned: { dispose(): void }[] = [];
  const keep = <T extends { dispose(): void }>(resource: T): T => {
    owned.push(resource);
    return resource;
  };
  const buffersOf = async (prefix: string): Promise<BufferState> =>
    keep(await bufferStateFrom(model, bufferValues(model, arrays, prefix, source)));
  try {
    const axes: Direction[] = [];
    for (const [i, description] of header.axes.entries()) {
      const vector = keep(await joinArrays(model, arrays, `axis${i + 1}/`, source));
      const buffers = header.hasBuffers ? await buffersOf(`axis${i + 1}-buffers/`) : null;
      axes.push(new Direction(vector, description, buffers));
    }
    const origin =
      header.origin === ''
        ? null
        : new Solution(
            header.origin,
            keep(await joinArrays(model, arrays, 'origin/', source)),
            await buffersOf('origin-buffers/'),
          );
    const adamStep = header.hasAdamStep ? keep(await joinArrays(model, arrays, 'adam-step/', source)) : null;
    return new Plane([axes[0]!, axes[1]!], {
      origin,
      ownsOrigin: true,
      solutions: header.solutions,
      explainedVariance: header.explainedVariance,
      adamStep,
    });
  } catch (error) {
    disposeAll(owned);
    throw error;
  }
}

function readHeader(arrays: Readonly<Record<string, NpyArray>>, path: string): Header {
  const refuse = refuseIn(path);
  const text = Object.hasOwn(arrays, 'description') ? arrays.description?.data : undefined;
  if (!(text instanceof Uint8Array)) return refuse('description', 'there: savePlane writes it');
  let data: unknown;
  try {
    data = JSON.parse(new TextDecoder().decode(text));
  } catch {
    return refuse('description', 'JSON text');
  }
  return decodeField({ object: headerShape }, data, '', codecOf(path)) as Header;
}

function codecOf(path: string): Codec {
  return { refuse: refuseIn(path), arrays: inlineArrays };
}

function refuseIn(path: string): Refuse {
  return (key, expected) => {
    throw new LossAtlasError('ERR_INVALID_DATA', `'${path}' is no plane: '${key}' should be ${expected}.`);
  };
}
