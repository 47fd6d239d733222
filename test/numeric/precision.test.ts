import { expect } from 'chai';
import {
  loadResult,
  lossLine,
  lossSurface,
  objective,
  randomDirection,
  randomPlane,
  saveResult,
} from '../../dist/index.js';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rejects } from '../support/errors.js';
import { golden, goldenData, loadFixture } from '../support/fixtures.js';

/** Round to nearest, ties to even, of a finite number. */
function toBfloat16(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0]!;
  const rounded = (bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000;
  return new Float32Array(Uint32Array.of(rounded).buffer)[0]!;
}

/** Cross-entropy of 6 → 8 → tanh → 4, the second layer's operands and outputs rounded by `round`. */
function lossOf(theta: Float64Array, round: (value: number) => number): number {
  const [x, y] = [golden('mlp.x'), golden('mlp.y')];
  const [w1, b1, w2, b2] = [
    theta.subarray(0, 48),
    theta.subarray(48, 56),
    theta.subarray(56, 88),
    theta.subarray(88),
  ];
  let sum = 0;
  y.forEach((label, i) => {
    const hidden = Array.from({ length: 8 }, (_, j) =>
      Math.tanh(b1[j]! + [0, 1, 2, 3, 4, 5].reduce((s, k) => s + w1[6 * j + k]! * x[6 * i + k]!, 0)),
    );
    const z = Array.from({ length: 4 }, (_, j) =>
      round(round(b2[j]!) + hidden.reduce((s, h, k) => s + round(w2[8 * j + k]!) * round(h), 0)),
    );
    sum += Math.log(z.reduce((s, v) => s + Math.exp(v), 0)) - z[label]!;
  });
  return sum / y.length;
}

describe('landscapes in reduced precision', () => {
  it('bf16: operands and results of products have eight bits, and the result says what that did', async () => {
    using model = await loadFixture('mlp', { dtype: 'float32' });
    using loss = objective(model, goldenData('mlp.x', 'mlp.y'));
    using direction = await randomDirection(model, { seed: 1 });
    const options = { points: 7, range: [-1, 1] } as const;
    const exact = await lossLine(loss, direction, options);
    const reduced = await lossLine(loss, direction, { ...options, precision: 'bf16' });
    using origin = await model.theta();
    const [from, d] = [await origin.toArray(), await direction.vector.toArray()];
    let largest = 0;
    for (const [i, t] of exact.coordinates.entries()) {
      const theta = from.map((value, k) => value + t * d[k]!);
      expect(exact.loss[i]!).to.be.closeTo(
        lossOf(theta, (v) => v),
        2e-6,
      );
      expect(reduced.loss[i]!).to.be.closeTo(lossOf(theta, toBfloat16), 3e-4);
      // Those that were computed both ways: the ends and the middle.
      if (i % 3 === 0) largest = Math.max(largest, Math.abs(reduced.loss[i]! / exact.loss[i]! - 1));
    }
    expect(reduced.precision).to.deep.include({ kind: 'bf16', numCompared: 3 });
    expect(reduced.precision!.lossError).to.be.closeTo(largest, 1e-12);
    expect(largest).to.be.within(1e-5, 0.02);
    expect(exact.precision).to.equal(null);
  });

  it('of convolutions and BatchNorm too, in eval and train mode; accuracy stays about the same', async () => {
    using model = await loadFixture('convbn', { dtype: 'float32' });
    using plane = await randomPlane(model, { seed: 2 });
    for (const mode of ['eval', 'train', 'recalibrate'] as const) {
      using loss = objective(model, goldenData('convbn.eval.x', 'convbn.eval.y'), { mode });
      const exact = await lossSurface(loss, plane, { points: 3 });
      const reduced = await lossSurface(loss, plane, { points: 3, precision: 'bf16' });
      const errors = reduced.loss.map((value, i) => Math.abs(value / exact.loss[i]! - 1));
      const compared = errors.filter((_, i) => i % 4 === 0);
      expect(reduced.precision!.lossError, mode).to.be.closeTo(Math.max(...compared), 1e-9);
      expect(Math.max(...errors), mode).to.be.within(1e-5, 0.05);
      // The state of the thread is put back.
      const after = await lossSurface(loss, plane, { points: 3 });
      expect([...after.loss]).to.deep.equal([...exact.loss]);
    }
  });

  it('is kept in files', async () => {
    using model = await loadFixture('mlp', { dtype: 'float32' });
    using loss = objective(model, goldenData('mlp.x', 'mlp.y'));
    using direction = await randomDirection(model, { seed: 1 });
    const line = await lossLine(loss, direction, { points: 3, precision: 'bf16' });
    const path = join(mkdtempSync(join(tmpdir(), 'lossatlas-')), 'line.json');
    await saveResult(path, line);
    expect(await loadResult(path, 'loss-line')).to.deep.equal(line);
  });

  it('is refused for models of another type, with gradients, and TF32 on the CPU', async () => {
    using double = await loadFixture('mlp', { dtype: 'float64' });
    using model = await loadFixture('mlp', { dtype: 'float32' });
    const refuse = async (net: typeof model, options: object) => {
      using loss = objective(net, goldenData('mlp.x', 'mlp.y'));
      using direction = await randomDirection(net, { seed: 1 });
      await rejects(() => lossLine(loss, direction, options), 'ERR_INVALID_OPTION', /'precision'/);
    };
    await refuse(double, { precision: 'bf16' });
    await refuse(model, { precision: 'tf32' });
    await refuse(model, { precision: 'bf16', gradientNorm: true });
    await refuse(model, { precision: 'int8' });
  });
});
