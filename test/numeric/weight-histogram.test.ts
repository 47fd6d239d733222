import { expect } from 'chai';
import { loadSolution, ownSolution, randomSolution, Solution, weightHistogram } from '../../dist/index.js';
import { rejects } from '../support/errors.js';
import { fixture, loadFixture } from '../support/fixtures.js';
import { expectNoLiveHandles } from '../support/handles.js';

describe('weight histograms', () => {
  expectNoLiveHandles();

  it('counts every weight once, and neither biases nor norm layers', async () => {
    using model = await loadFixture('convbn');
    using own = await ownSolution(model);
    using other = await randomSolution(model, { seed: 4 });
    const histogram = await weightHistogram([own, other], { bins: 12 });
    expect(histogram.parameters).to.deep.equal(['conv1.weight', 'conv2.weight', 'fc.weight']);
    const { edges } = histogram;
    for (const [k, solution] of [own, other].entries()) {
      const theta = await solution.theta.toArray();
      const weights = model.parameters
        .filter(({ name }) => histogram.parameters.includes(name))
        .flatMap(({ offset, numel }) => Array.from(theta.subarray(offset, offset + numel)));
      const { counts, mean, standardDeviation, norm, min, max } = histogram.solutions[k]!;
      const expected = Array.from(
        counts,
        (_, bin) =>
          weights.filter(
            (weight) =>
              (bin === 0 || weight >= edges[bin]!) && (bin === counts.length - 1 || weight < edges[bin + 1]!),
          ).length,
      );
      expect(Array.from(counts)).to.deep.equal(expected);
      expect(counts.reduce((a, b) => a + b)).to.equal(histogram.numWeights);
      const average = weights.reduce((a, b) => a + b) / weights.length;
      expect(mean).to.be.closeTo(average, 1e-14);
      expect(norm).to.be.closeTo(Math.hypot(...weights), 1e-12);
      expect(standardDeviation ** 2).to.be.closeTo(norm ** 2 / weights.length - average ** 2, 1e-12);
      expect([min, max]).to.deep.equal([Math.min(...weights), Math.max(...weights)]);
    }
  });

  it('bins are symmetric around 0 and hold nearly all; a range of one’s own is taken as it is', async () => {
    using model = await loadFixture('mlp');
    using own = await ownSolution(model);
    const { edges } = await weightHistogram([own]);
    expect(edges).to.have.length(101);
    expect(edges[0]).to.equal(-edges.at(-1)!);
    const narrow = await weightHistogram([own], { bins: 2, range: [0, 0.01], parameters: ['first.*'] });
    expect(narrow.parameters).to.deep.equal(['first.weight', 'first.bias']);
    expect(narrow.numWeights).to.equal(56);
    const { counts } = narrow.solutions[0]!;
    expect(counts[0]! + counts[1]!).to.equal(56);
  });

  it('refuses solutions of other models, and names that fit nothing', async () => {
    using model = await loadFixture('mlp');
    using convbn = await loadFixture('convbn');
    using own = await ownSolution(model);
    using other = await loadSolution(convbn, fixture('convbn_state_dict.pt'));
    await rejects(async () => weightHistogram([own, other]), 'ERR_LAYOUT_MISMATCH', /does not fit/);
    using nan = await model.vector((await own.theta.toArray()).fill(NaN, 0, 2));
    const broken = new Solution('broken', nan, own.buffers);
    await rejects(async () => weightHistogram([own, broken]), 'ERR_INVALID_DATA', /2 of the .* of 'broken'/);
    await rejects(async () => weightHistogram([]), 'ERR_INVALID_OPTION', /a list of Solutions/);
    await rejects(
      async () => weightHistogram([own], { parameters: ['thrid.*'] }),
      'ERR_INVALID_OPTION',
      /fits no parameter/,
    );
  });
});
