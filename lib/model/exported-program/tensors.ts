import { LossAtlasError } from '../../errors.js';
import type { RawTensor } from '../../native/exported-program.js';
import type { ProgramArchive } from './archive.js';
import type { Json } from './json.js';
import { elementsOf, TensorMaker } from '../../io/checkpoint/tensor.js';
import { isModulePath } from './module-path.js';
import { dtypeName, scalarType } from './types.js';

/** The tensors of a program, and the bytes that they lie in. */
export class ProgramTensors {
  readonly storages: Uint8Array[] = [];
  readonly tensors: RawTensor[] = [];
  readonly #places = new Map<string, number>();
  readonly #archive: ProgramArchive;
  readonly #budget: TensorMaker;

  constructor(archive: ProgramArchive) {
    this.#archive = archive;
    this.#budget = new TensorMaker(archive.size);
  }

  /** `value`: its name in the graph. */
  add(kind: RawTensor['kind'], name: string, value: string): void {
    const { weights, constants } = this.#archive;
    if (!isModulePath(name) || name.split('.').includes(''))
      throw new LossAtlasError(
        'ERR_MODEL_LOAD',
        `${weights.place}: a tensor has a name that no module gives.`,
      );
    // Buffers that are no part of a state dict are kept with the constants.
    const isWeight = kind !== 'constant' && !weights.get(name).isNull;
    const payload = (isWeight ? weights : constants).get(name);
    if (payload.isNull) payload.fail(`there, though the graph uses the tensor '${name}'`);
    if (payload.get('use_pickle').value === true)
      payload.fail('a plain tensor (subclasses of Tensor are saved as pickles, which are never run)');
    const meta = payload.get('tensor_meta');
    const sizes = integers(meta.get('sizes'));
    // A stride of 0 makes a large tensor of a small file.
    const bits = Number(/\d+$/.exec(dtypeName(meta.get('dtype')))?.[0] ?? 8);
    this.#budget.charge((elementsOf(sizes) * bits) / 8, (problem) => {
      throw new LossAtlasError('ERR_MODEL_LOAD', `${meta.place}: ${problem}.`);
    });
    this.tensors.push({
      kind,
      name,
      value,
      storage: this.#storage(payload.get('path_name').string(), isWeight),
      type: scalarType(meta.get('dtype')),
      sizes,
      strides: integers(meta.get('strides')),
      offset: integer(meta.get('storage_offset')),
      requiresGrad: meta.get('requires_grad').boolean(),
    });
  }

  /** Tied weights have one value in the graph, and several names in the state dict. */
  addTied(): void {
    const { weights } = this.#archive;
    const known = new Set(this.tensors.map(({ name }) => name));
    for (const name of weights.keys()) {
      if (!known.has(name))
        this.add(weights.get(name).get('is_param').boolean() ? 'parameter' : 'buffer', name, '');
    }
  }

  #storage(pathName: string, isWeight: boolean): number {
    const key = `${isWeight ? 'weights' : 'constants'}/${pathName}`;
    let place = this.#places.get(key);
    if (place === undefined) {
      place = this.storages.length;
      this.storages.push((isWeight ? this.#archive.weight : this.#archive.constant)(pathName));
      this.#places.set(key, place);
    }
    return place;
  }
}

/** Sizes of stored tensors are numbers in the form of symbols. */
function integer(json: Json): number {
  const value = json.get('as_int').integer();
  return Number.isSafeInteger(value) && value >= 0 ? value : json.fail('a size');
}

function integers(json: Json): number[] {
  return json.list().map(integer);
}
