import { expect } from 'chai';
import { AbortError } from '../../../dist/errors.js';
import { coordinates } from '../../../dist/landscape/sweep.js';
import { Steps } from '../../../dist/steps.js';
import type { Progress } from '../../../dist/types.js';
import { checkOptions, isInteger, isOneOf, isRange, suggest } from '../../../dist/validate.js';

describe('Steps', () => {
  it('counts, estimates what is left, and ends early at its total', () => {
    const seen: Progress[] = [];
    const steps = new Steps('work', 10, { onProgress: (p) => seen.push(p) });
    steps.advance();
    steps.advance(3);
    steps.finish();
    expect(seen.map((p) => [p.done, p.total])).to.deep.equal([
      [1, 10],
      [4, 10],
      [4, 4],
    ]);
    expect(seen[1]!.remainingSeconds).to.be.closeTo((seen[1]!.elapsedSeconds / 4) * 6, 1e-12);
    expect(seen[2]!.remainingSeconds).to.equal(0);
  });

  it('estimates what is left from its own steps alone, and says where the total is a limit', () => {
    const seen: Progress[] = [];
    const steps = new Steps('work', 10, { onProgress: (p) => seen.push(p) }, true);
    steps.restore(0);
    steps.restore(6);
    steps.advance();
    expect(seen.map((p) => [p.done, p.isLimit])).to.deep.equal([
      [6, true],
      [7, true],
    ]);
    expect(seen[0]!.remainingSeconds).to.equal(null);
    expect(seen[1]!.remainingSeconds).to.be.closeTo(seen[1]!.elapsedSeconds * 3, 1e-12);
  });

  it('throws AbortError with the reason, before the first step and between steps', () => {
    const controller = new AbortController();
    const steps = new Steps('work', 10, { signal: controller.signal });
    steps.advance();
    controller.abort('why');
    expect(() => {
      steps.advance();
    })
      .to.throw(AbortError)
      .with.property('cause', 'why');
    expect(() => new Steps('work', 1, { signal: controller.signal })).to.throw(AbortError);
  });
});

describe('validate', () => {
  it('names option, expectation and value, and suggests names', () => {
    const check = (options: unknown) => () => {
      checkOptions('f', options, { points: isInteger(1, 5), which: isOneOf('a', 'b'), range: isRange });
    };
    expect(check({ points: 3, which: 'a', range: [0, 1] })).not.to.throw();
    expect(check({ points: undefined })).not.to.throw();
    expect(check(undefined)).not.to.throw();
    expect(check({ points: 6 })).to.throw("f: option 'points' must be an integer from 1 to 5, but is 6.");
    expect(check({ which: 'c' })).to.throw("one of 'a', 'b', but is 'c'");
    expect(check({ range: [1, 1] })).to.throw('low < high');
    expect(check({ pionts: 3 })).to.throw("unknown option 'pionts'. Did you mean 'points'?");
    expect(check({ xyzzyx: 3 })).to.throw('Known: points, which, range.');
    expect(check(null)).to.throw('must be an object, but is null');
    expect(check([])).to.throw('but is []');
    // Keys of Object.prototype are no options.
    expect(check({ constructor: 1 })).to.throw("unknown option 'constructor'");
    expect(suggest('largets', ['largest', 'smallest'])).to.equal("Did you mean 'largest'?");
  });
});

describe('coordinates', () => {
  it('an odd symmetric grid holds exactly 0, and its ends', () => {
    for (const [range, points] of [
      [1, 51],
      [0.3, 7],
      [20, 41],
      [1e-3, 101],
    ] as const) {
      const x = coordinates([-range, range], points);
      expect(x[(points - 1) / 2]).to.equal(0);
      expect(x[0]).to.equal(-range);
      expect(x.at(-1)).to.equal(range);
    }
    expect(Array.from(coordinates([0, 1], 1))).to.deep.equal([0.5]);
  });
});
