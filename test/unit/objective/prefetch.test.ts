import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { prefetched } from '../../../dist/objective/prefetch.js';

describe('prefetched', () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => void unhandled.push(reason);
  before(() => process.on('unhandledRejection', note));
  after(() => {
    process.off('unhandledRejection', note);
    expect(unhandled).to.deep.equal([]);
  });

  it('reads one ahead while the caller works, and no more', async () => {
    const started: number[] = [];
    const read = async (i: number) => {
      started.push(i);
      await sleep(1);
      return i * i;
    };
    const seen: [number, number][] = [];
    for await (const [i, value] of prefetched(4, read)) {
      seen.push([i, value]);
      await sleep(10);
      expect(started).to.have.length(Math.min(4, i + 2));
    }
    expect(seen).to.deep.equal([
      [0, 0],
      [1, 1],
      [2, 4],
      [3, 9],
    ]);
    for await (const _ of prefetched(0, read)) expect.fail();
  });

  it('an error comes in its turn', async () => {
    const read = async (i: number) => {
      await Promise.resolve();
      if (i === 2) throw new Error('third');
      return i;
    };
    const seen: number[] = [];
    try {
      for await (const [i] of prefetched(5, read)) {
        await sleep(5);
        seen.push(i);
      }
      expect.fail();
    } catch (error) {
      expect((error as Error).message).to.equal('third');
    }
    expect(seen).to.deep.equal([0, 1]);
  });

  it('a caller that stops early tells the read ahead, and waits for its end', async () => {
    let running = 0;
    const signals: AbortSignal[] = [];
    const read = async (i: number, signal: AbortSignal) => {
      running++;
      signals.push(signal);
      await sleep(5);
      running--;
      if (signal.aborted) throw new Error('stopped');
      return i;
    };
    for await (const [i] of prefetched(9, read)) if (i === 1) break;
    expect([running, signals.length, signals[2]!.aborted]).to.deep.equal([0, 3, true]);
  });
});
