export type CifarClasses = 10 | 100;

export const numPixels = 3 * 32 * 32;

export interface CifarRecord {
  readonly path: string;
  /** In its file, from 0. */
  readonly number: number;
  /** Of CIFAR-10, or the fine one of CIFAR-100. */
  readonly label: number;
  /** Of CIFAR-100; else 0. */
  readonly coarse: number;
  /** Channels, rows, columns. */
  readonly pixels: Uint8Array;
}

export interface CifarFile {
  readonly classes: CifarClasses;
  readonly records: readonly CifarRecord[];
}
