import { expect } from 'chai';
import { pointsAtOnce } from '../../../dist/landscape/points-at-once.js';

const MB = 2 ** 20;

describe('how many points are computed at once', () => {
  it('one a thread, where there are enough of them and none is large', () => {
    expect(pointsAtOnce({ numPoints: 32, numThreads: 16, pointBytes: 100 * MB })).to.equal(16);
    expect(pointsAtOnce({ numPoints: 31, numThreads: 16, pointBytes: 100 * MB })).to.equal(1);
    expect(pointsAtOnce({ numPoints: 1000, numThreads: 16, pointBytes: 257 * MB })).to.equal(1);
    expect(pointsAtOnce({ numPoints: 1000, numThreads: 1, pointBytes: 1 })).to.equal(1);
    expect(pointsAtOnce({ numPoints: 1000, numThreads: 2, pointBytes: 0 })).to.equal(2);
  });

  it('fewer where all of them would take more than 4 GB; one where that left most threads idle', () => {
    expect(pointsAtOnce({ numPoints: 1000, numThreads: 64, pointBytes: 100 * MB })).to.equal(40);
    expect(pointsAtOnce({ numPoints: 1000, numThreads: 64, pointBytes: 200 * MB })).to.equal(1);
  });
});
