/** Cells that are drawn while a surface turns, at first and at least. */
const [mostCells, fewestCells] = [5000, 600];
/** Frames farther apart belong to different movements; ms. */
const pause = 150;
/** A movement looks smooth up to this time a frame; ms. */
const smooth = 36;
/** Between two frames of a display; ms. */
const prompt = 16;

/** How coarse a surface is drawn while it turns, so that the machine keeps up. */
export class FrameBudget {
  #cells = mostCells;
  #last = -Infinity;
  #mean = prompt;

  /** Every how many grid lines of a surface with so many cells are drawn; 1 for all. */
  stride(numCells: number): number {
    return Math.ceil(Math.sqrt(numCells / this.#cells));
  }

  /** Counts a frame at a time in ms: frames that come slowly lessen the cells. */
  count(now: number): void {
    const taken = now - this.#last;
    this.#last = now;
    if (taken > pause) return;
    // Over some seven frames: a single slow one is no slow machine.
    this.#mean = 0.85 * this.#mean + 0.15 * taken;
    if (this.#mean <= smooth) return;
    this.#cells = Math.max(fewestCells, this.#cells / 2);
    this.#mean = prompt;
  }
}
