// The machine, and how much of it other processes took.
import { readFileSync } from 'node:fs';
import { arch, cpus, platform, totalmem } from 'node:os';

/** CPU model and memory, in words. */
export function describeMachine() {
  const cores = cpus();
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  return `${cores[0]?.model.trim() ?? 'unknown CPU'}, ${cores.length} cores, ${memory} GiB, ${platform()} ${arch()}`;
}

/** Of a core, on average over a sample: more is said and measured again. */
export const busyLimit = 0.1;

/**
 * A reading of the clocks that tell other processes' share; null where there is no /proc (not Linux).
 *
 * @typedef {object} Reading
 * @property {number} seconds
 * @property {number} machine CPU seconds of everything on the machine
 * @property {number} own CPU seconds of this process and of its children that have ended
 *
 * @returns {Reading | null}
 */
export function readClocks() {
  try {
    const ticks = 100; // USER_HZ, fixed on Linux
    const total = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]?.trim().split(/\s+/).map(Number) ?? [];
    const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = total;
    // After the name, which may hold anything, in parentheses: fields 3 and following of proc(5).
    const own = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
      .map(Number);
    const [utime = 0, stime = 0, cutime = 0, cstime = 0] = own.slice(11, 15);
    return {
      seconds: performance.now() / 1000,
      machine: (user + nice + system + irq + softirq + steal) / ticks,
      own: (utime + stime + cutime + cstime) / ticks,
    };
  } catch {
    return null;
  }
}

/**
 * How many cores other processes kept busy between two readings; null where that cannot be told.
 *
 * @param {Reading | null} before
 * @param {Reading | null} after
 */
export function coresOfOthers(before, after) {
  if (before === null || after === null) return null;
  const others = after.machine - before.machine - (after.own - before.own);
  return Math.max(0, others / (after.seconds - before.seconds));
}
