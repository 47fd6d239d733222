/**
 * How one field is stored. `float64` is a Float64Array, `float64[]` a list of them, `grid` one with a value of each point
 * (x[i], y[j]) of the object that it belongs to, at [j * x.length + i].
 */
export type Field =
  | 'number'
  | 'number|null'
  | 'string'
  | 'string|null'
  | 'string[]'
  | 'boolean'
  | 'boolean[]'
  | 'float64'
  | 'float64|null'
  | 'float64[]'
  | 'grid'
  | 'grid|null'
  /** Files of before the field was there lack it, and are read as null. */
  | { readonly addedLater: 'string|null' | { readonly nullable: Shape } }
  | { readonly recordOf: 'float64' | 'grid' }
  | { readonly oneOf: readonly (string | number | null)[] }
  | { readonly listOf: readonly string[] }
  | { readonly tuple: readonly Shape[] }
  | { readonly objects: Shape }
  | { readonly nullable: Shape }
  | { readonly object: Shape };

// eslint-disable-next-line @typescript-eslint/consistent-indexed-object-style -- a recursive type needs the name
export interface Shape {
  readonly [key: string]: Field;
}

/** The field that a TypeScript type must have: a change of a result type fails to compile here. */
export type FieldOf<T> = [T] extends [Float64Array]
  ? 'float64' | 'grid'
  : [T] extends [Float64Array | null]
    ? 'float64|null' | 'grid|null'
    : [T] extends [readonly Float64Array[]]
      ? 'float64[]'
      : [T] extends [Readonly<Record<string, Float64Array>>]
        ? { readonly recordOf: 'float64' | 'grid' }
        : [T] extends [readonly boolean[]]
          ? 'boolean[]'
          : [T] extends [boolean]
            ? 'boolean'
            : [T] extends [number | null]
              ? FieldOfNumber<T>
              : [T] extends [string | null]
                ? FieldOfString<T>
                : FieldOfStructure<T>;

type FieldOfString<T> = [T] extends [string]
  ? string extends T
    ? 'string'
    : { readonly oneOf: readonly T[] }
  : 'string|null' | { readonly addedLater: 'string|null' };

type FieldOfNumber<T> = [T] extends [number]
  ? number extends T
    ? 'number'
    : { readonly oneOf: readonly T[] }
  : number extends NonNullable<T>
    ? 'number|null'
    : { readonly oneOf: readonly T[] };

type FieldOfStructure<T> = [T] extends [readonly (infer S extends string)[]]
  ? string extends S
    ? 'string[]'
    : { readonly listOf: readonly S[] }
  : [T] extends [readonly [infer A, infer B]]
    ? { readonly tuple: readonly [ShapeOf<A>, ShapeOf<B>] }
    : [T] extends [readonly (infer O)[]]
      ? { readonly objects: ShapeOf<O> }
      : null extends T
        ? Nullable<NonNullable<T>> | { readonly addedLater: Nullable<NonNullable<T>> }
        : { readonly object: ShapeOf<T> };

interface Nullable<T> {
  readonly nullable: ShapeOf<T>;
}

export type ShapeOf<T> = { readonly [K in keyof T]-?: FieldOf<T[K]> };
