import { LossAtlasError, type ErrorCode } from '../errors.js';
import { MemorySource, type ByteSource } from './byte-source.js';
import { PickleInput } from './pickle-input.js';

/**
 * What a pickle becomes. Dictionaries are Maps, so that no key can reach a prototype; lists and tuples are
 * arrays; integers beyond 2^53 are bigints.
 */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | Set<PickleValue>
  | PickleObject;

/** A value that the reader of a global made. */
export abstract class PickleObject {
  /** What stands for it in the finished tree. */
  finish(): PickleValue {
    return this;
  }

  /** Takes the state that Python would give to `__setstate__`; false where it has none. */
  setState(_state: PickleValue): boolean {
    return false;
  }
}

/** A function or class of the allow-list; unpickling calls `construct`, never anything of the file. */
export class PickleGlobal extends PickleObject {
  constructor(
    readonly name: string,
    readonly construct?: (args: readonly PickleValue[], fail: PickleFail) => PickleValue,
  ) {
    super();
  }

  override finish(): PickleValue {
    return this.name;
  }
}

/**
 * What stands for an object whose class or function is not on the allow-list, where the reader of the file asked for
 * that: its name and nothing else. Nothing was called, and what the file gave it is dropped.
 */
export class OpaqueObject extends PickleObject {
  /** `module.name` in the file. */
  readonly name: string;

  constructor(name: string) {
    super();
    this.name = name;
  }

  override setState(): boolean {
    return true;
  }
}

export type PickleFail = (problem: string) => never;

export interface UnpickleOptions {
  /** Names the data in messages. */
  readonly source: string;
  /** The allow-list, by `module.name`. */
  readonly globals: Pick<ReadonlyMap<string, PickleValue>, 'get'>;
  /** Every other name is refused (default), or becomes an OpaqueObject. */
  readonly unknown?: 'refuse' | 'opaque';
  /** Resolves persistent ids; without it they are refused. */
  readonly persistent?: (id: PickleValue, fail: PickleFail) => PickleValue;
  /** Where the pickle begins in the bytes (default 0). */
  readonly start?: number;
  /** Of the errors (default ERR_CHECKPOINT). */
  readonly code?: ErrorCode;
  /** What to do about a global that is refused (default: how to save a checkpoint without). */
  readonly advice?: string;
}

const maxProtocol = 5;
const maxDepth = 256;
const maxIntegerBytes = 256;
/** Far more than a checkpoint has; a byte can become an object of 300. */
const maxSteps = 20_000_000;
const maxObjects = 2_000_000;

/**
 * Reads one pickle (protocols 2 to 5) and says where it ends. It builds data and nothing else: a global
 * outside of the allow-list is refused by name, lengths are checked against the bytes that are left before
 * anything is allocated, and work grows with the length of the file only. Throws ERR_CHECKPOINT, or `code`.
 */
export function unpickle(
  pickled: Uint8Array | ByteSource,
  options: UnpickleOptions,
): { value: PickleValue; end: number } {
  const source = pickled instanceof Uint8Array ? new MemorySource(pickled) : pickled;
  const input = new PickleInput(source, options.start ?? 0);
  const machine = new Machine(input, options);
  const value = machine.run();
  return { value: finished(value, machine.fail), end: input.position };
}

class Machine {
  readonly fail: PickleFail;
  private readonly input: PickleInput;
  private readonly options: UnpickleOptions;
  private stack: PickleValue[] = [];
  private readonly marks: PickleValue[][] = [];
  private readonly memo = new Map<number, PickleValue>();
  /** How many items calls may still take: a short file could pass one long list to a million of them. */
  private budget: number;
  private objects = 0;

  constructor(input: PickleInput, options: UnpickleOptions) {
    this.input = input;
    this.options = options;
    this.budget = 65_536 + 16 * input.size;
    this.fail = (problem) => {
      throw new LossAtlasError(options.code ?? 'ERR_CHECKPOINT', `${options.source}: ${problem}.`);
    };
  }

  run(): PickleValue {
    for (let steps = 0; ; steps++) {
      if (steps > maxSteps) this.fail(`the pickle takes more than ${maxSteps} steps`);
      const at = this.input.position;
      const code = this.take(1)[0]!;
      if (code === 0x2e /* STOP */) return this.pop();
      const step = opcodes.get(code);
      if (step === undefined) {
        this.fail(`the pickle has the unsupported opcode 0x${code.toString(16)} at byte ${at}`);
      } else step(this);
    }
  }

  take(length: number): Buffer {
    return this.input.take(length) ?? this.fail('the pickle is truncated');
  }

  uint(length: 1 | 2 | 4): number {
    return this.take(length).readUIntLE(0, length);
  }

  /** A length of 64 bits; those that a double cannot hold are beyond every file. */
  long(): number {
    return Number(this.take(8).readBigUInt64LE());
  }

  line(): string {
    return (this.input.line() ?? this.fail('the pickle is truncated')).toString('utf8');
  }

  push(value: PickleValue): void {
    if (typeof value === 'object' && value !== null && ++this.objects > maxObjects)
      this.fail(`the pickle holds more than ${maxObjects} objects`);
    this.stack.push(value);
  }

  pop(): PickleValue {
    const value = this.stack.pop();
    return value === undefined ? this.fail('the pickle is damaged (its stack is empty)') : value;
  }

  top(): PickleValue {
    const value = this.stack.at(-1);
    return value === undefined ? this.fail('the pickle is damaged (its stack is empty)') : value;
  }

  mark(): void {
    if (this.marks.length >= maxDepth) this.fail(`the pickle nests deeper than ${maxDepth}`);
    this.marks.push(this.stack);
    this.stack = [];
  }

  popMark(): PickleValue[] {
    const items = this.stack;
    this.stack = this.marks.pop() ?? this.fail('the pickle is damaged (it has no mark)');
    return items;
  }

  discard(): void {
    if (this.stack.length > 0) this.stack.pop();
    else this.popMark();
  }

  tuple(length: number): void {
    const items: PickleValue[] = [];
    for (let i = 0; i < length; i++) items.push(this.pop());
    this.push(items.reverse());
  }

  bigInteger(length: number): void {
    const little = this.take(length);
    if (length > maxIntegerBytes) this.fail(`the pickle holds an integer of ${length} bytes`);
    if (length === 0) {
      this.push(0);
      return;
    }
    const big = Buffer.from(little).reverse();
    this.push(integer(BigInt.asIntN(8 * length, BigInt(`0x${big.toString('hex')}`))));
  }

  remember(index: number): void {
    // A place far beyond the last would make libtorch's reader allocate all before it.
    if (Math.max(this.memo.size, index) >= maxObjects)
      this.fail(`the pickle remembers more than ${maxObjects} values`);
    this.memo.set(index, this.top());
  }

  nextMemo(): number {
    return this.memo.size;
  }

  recall(index: number): void {
    const value = this.memo.get(index);
    this.push(value === undefined ? this.fail(`the pickle is damaged (no memo ${index})`) : value);
  }

  append(items: readonly PickleValue[]): void {
    const list = this.top();
    if (list instanceof OpaqueObject) return;
    if (!Array.isArray(list)) return this.fail('the pickle appends to what is no list');
    for (const item of items) list.push(item);
  }

  setItems(items: readonly PickleValue[]): void {
    const map = this.top();
    if (map instanceof OpaqueObject) return;
    if (!(map instanceof Map) || items.length % 2 !== 0)
      return this.fail('the pickle sets items of what is no dict');
    for (let i = 0; i < items.length; i += 2) map.set(keyOf(items[i]!), items[i + 1]!);
  }

  addItems(items: readonly PickleValue[]): void {
    const set = this.top();
    if (set instanceof OpaqueObject) return;
    if (!(set instanceof Set)) return this.fail('the pickle adds items to what is no set');
    for (const item of items) set.add(keyOf(item));
  }

  global(module: PickleValue, name: PickleValue): void {
    if (typeof module !== 'string' || typeof name !== 'string')
      return this.fail('the pickle names a global by no string');
    const found = this.options.globals.get(`${module}.${name}`);
    if (found !== undefined) {
      this.push(found);
      return;
    }
    if (this.options.unknown === 'opaque') {
      this.push(new OpaqueObject(`${module}.${name}`));
      return;
    }
    if (module === 'torch' && /^(float8_|float4_|complex|q?u?int\d|bits)/.test(name))
      return this.fail(`it holds tensors of ${shown(`torch.${name}`)}, a type that is not supported`);
    this.fail(
      `it refers to ${shown(`${module}.${name}`)}, which is not read, because no code of a file ever runs. ` +
        (this.options.advice ??
          'Save only the state dict: torch.save(model.state_dict(), path). ' +
            "Or read what stands beside such objects: readCheckpoint(path, { unknown: 'opaque' }) leaves their names in their place"),
    );
  }

  call(callee: PickleValue, args: PickleValue): void {
    if (callee instanceof OpaqueObject) {
      this.push(new OpaqueObject(callee.name));
      return;
    }
    const construct = callee instanceof PickleGlobal ? callee.construct : undefined;
    if (construct === undefined || !Array.isArray(args)) {
      const name = callee instanceof PickleGlobal ? shown(callee.name) : 'what is no function';
      return this.fail(`the pickle calls ${name}, which is not supported`);
    }
    for (const arg of args) this.budget -= sizeOf(arg);
    if (this.budget < 0) this.fail('the pickle repeats its data too often');
    this.push(construct(args, this.fail));
  }

  persistent(): void {
    const { persistent } = this.options;
    if (persistent === undefined) return this.fail('the pickle has a persistent id where none belongs');
    this.push(persistent(this.pop(), this.fail));
  }

  build(): void {
    const state = this.pop();
    const target = this.top();
    // Attributes of a dict (the `_metadata` of a state dict) are no items of it and are left out.
    if (target instanceof Map || target instanceof Set) return;
    if (target instanceof PickleObject && target.setState(state)) return;
    this.fail('the pickle sets the state of what has none');
  }
}

type Step = (machine: Machine) => void;

const opcodes = new Map<number, Step>([
  [0x80, (m) => checkProtocol(m, m.uint(1))],
  [0x95, (m) => void m.take(8)], // FRAME: a hint for buffering
  [0x28, (m) => m.mark()],
  [0x30, (m) => m.discard()],
  [0x31, (m) => void m.popMark()],
  [0x32, (m) => m.push(m.top())],
  [0x4e, (m) => m.push(null)],
  [0x88, (m) => m.push(true)],
  [0x89, (m) => m.push(false)],
  // Numbers; the texts I, L and F are what Python 2 mixed into protocol 2.
  [0x4b, (m) => m.push(m.uint(1))],
  [0x4d, (m) => m.push(m.uint(2))],
  [0x4a, (m) => m.push(m.take(4).readInt32LE())],
  [0x8a, (m) => m.bigInteger(m.uint(1))],
  [0x8b, (m) => m.bigInteger(m.uint(4))],
  [0x47, (m) => m.push(m.take(8).readDoubleBE())],
  [0x49, (m) => m.push(textInteger(m, m.line()))],
  [0x4c, (m) => m.push(textInteger(m, m.line()))],
  [0x46, (m) => m.push(textNumber(m, m.line()))],
  // Strings; those of Python 2 are bytes, which latin1 keeps apart.
  [0x55, (m) => m.push(m.take(m.uint(1)).toString('latin1'))],
  [0x54, (m) => m.push(m.take(m.uint(4)).toString('latin1'))],
  [0x8c, (m) => m.push(m.take(m.uint(1)).toString('utf8'))],
  [0x58, (m) => m.push(m.take(m.uint(4)).toString('utf8'))],
  [0x8d, (m) => m.push(m.take(m.long()).toString('utf8'))],
  [0x43, (m) => m.push(plainBytes(m.take(m.uint(1))))],
  [0x42, (m) => m.push(plainBytes(m.take(m.uint(4))))],
  [0x8e, (m) => m.push(plainBytes(m.take(m.long())))],
  [0x96, (m) => m.push(plainBytes(m.take(m.long())))],
  // Containers.
  [0x29, (m) => m.push([])],
  [0x85, (m) => m.tuple(1)],
  [0x86, (m) => m.tuple(2)],
  [0x87, (m) => m.tuple(3)],
  [0x74, (m) => m.push(m.popMark())],
  [0x5d, (m) => m.push([])],
  [0x6c, (m) => m.push(m.popMark())],
  [0x61, (m) => m.append([m.pop()])],
  [0x65, (m) => m.append(m.popMark())],
  [0x7d, (m) => m.push(new Map())],
  [0x64, (m) => intoNew(m, new Map(), (items) => m.setItems(items))],
  [0x73, (m) => setItem(m)],
  [0x75, (m) => m.setItems(m.popMark())],
  [0x8f, (m) => m.push(new Set())],
  [0x90, (m) => m.addItems(m.popMark())],
  [0x91, (m) => intoNew(m, new Set(), (items) => m.addItems(items))],
  // The memo.
  [0x71, (m) => m.remember(m.uint(1))],
  [0x72, (m) => m.remember(m.uint(4))],
  [0x94, (m) => m.remember(m.nextMemo())],
  [0x68, (m) => m.recall(m.uint(1))],
  [0x6a, (m) => m.recall(m.uint(4))],
  // Globals and calls.
  [0x63, (m) => m.global(m.line(), m.line())],
  [0x93, (m) => withTwo(m, (module, name) => m.global(module, name))],
  [0x52, (m) => withTwo(m, (callee, args) => m.call(callee, args))],
  [0x81, (m) => withTwo(m, (callee, args) => m.call(callee, args))],
  [0x92, (m) => callWithNames(m)],
  [0x51, (m) => m.persistent()],
  [0x62, (m) => m.build()],
]);

function checkProtocol(m: Machine, protocol: number): void {
  if (protocol > maxProtocol) m.fail(`the pickle has protocol ${protocol}, known are 2 to ${maxProtocol}`);
}

function setItem(m: Machine): void {
  const value = m.pop();
  m.setItems([m.pop(), value]);
}

function withTwo(m: Machine, use: (first: PickleValue, second: PickleValue) => void): void {
  const second = m.pop();
  use(m.pop(), second);
}

/** Arguments by name: nothing on the allow-list takes any. */
function callWithNames(m: Machine): void {
  const names = m.pop();
  if (!(names instanceof Map)) return m.fail('the pickle names arguments by no dict');
  withTwo(m, (callee, args) => {
    if (names.size > 0 && !(callee instanceof OpaqueObject))
      return m.fail('the pickle calls with names of arguments');
    m.call(callee, args);
  });
}

function intoNew(m: Machine, container: PickleValue, fill: (items: PickleValue[]) => void): void {
  const items = m.popMark();
  m.push(container);
  fill(items);
}

function textInteger(m: Machine, text: string): PickleValue {
  if (text === '00') return false;
  if (text === '01') return true;
  if (!/^-?\d{1,300}L?$/.test(text)) return m.fail(`the pickle has ${shown(text)} for an integer`);
  return integer(BigInt(text.replace('L', '')));
}

function textNumber(m: Machine, text: string): number {
  const special: Readonly<Record<string, number>> = { nan: NaN, inf: Infinity, '-inf': -Infinity };
  if (Object.hasOwn(special, text)) return special[text]!;
  const value = text.length <= 40 && text !== '' ? Number(text) : NaN;
  return Number.isNaN(value) ? m.fail(`the pickle has ${shown(text)} for a number`) : value;
}

function integer(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** A Uint8Array and no Buffer, which would compare and slice differently. */
function plainBytes(part: Buffer): Uint8Array {
  return new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
}

function keyOf(key: PickleValue): PickleValue {
  return key instanceof PickleObject ? key.finish() : key;
}

function sizeOf(value: PickleValue): number {
  if (typeof value === 'string' || Array.isArray(value) || value instanceof Uint8Array) return value.length;
  return value instanceof Map || value instanceof Set ? value.size : 1;
}

function shown(name: string): string {
  return `'${name.length > 100 ? `${name.slice(0, 97)}…` : name}'`;
}

/**
 * Puts the finished value in place of every object, and refuses trees that contain themselves or nest too
 * deep, so that whoever walks them ends. Shared parts are visited once.
 */
function finished(root: PickleValue, fail: PickleFail): PickleValue {
  const open = new Set<PickleValue>();
  /** How deep each container nests that is done. */
  const heights = new Map<PickleValue, number>();
  const visit = (value: PickleValue, depth: number): number => {
    if (!isContainer(value)) return 0;
    const known = heights.get(value);
    if (known !== undefined) return known;
    if (open.has(value)) return fail('the pickle contains a value that contains itself');
    if (depth > maxDepth) return fail(`the pickle nests deeper than ${maxDepth}`);
    open.add(value);
    let height = 0;
    const child = (item: PickleValue): PickleValue => {
      height = Math.max(height, visit(item, depth + 1));
      return item instanceof PickleObject ? item.finish() : item;
    };
    if (Array.isArray(value)) {
      for (let i = 0; i < value.length; i++) value[i] = child(value[i]!);
    } else if (value instanceof Map) {
      for (const [key, item] of value) {
        child(key);
        value.set(key, child(item));
      }
    } else for (const item of value) child(item);
    open.delete(value);
    heights.set(value, height + 1);
    if (depth + height > maxDepth) return fail(`the pickle nests deeper than ${maxDepth}`);
    return height + 1;
  };
  visit(root, 0);
  return root instanceof PickleObject ? root.finish() : root;
}

function isContainer(
  value: PickleValue,
): value is PickleValue[] | Map<PickleValue, PickleValue> | Set<PickleValue> {
  return Array.isArray(value) || value instanceof Map || value instanceof Set;
}
