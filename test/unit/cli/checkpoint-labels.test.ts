import { expect } from 'chai';
import { join } from 'node:path';
import { checkpointLabels } from '../../../dist/cli/checkpoint-paths.js';

describe('names of checkpoints', () => {
  it('have as much of their paths as tells them apart', () => {
    const path = (...names: string[]) => join(...names);
    expect(checkpointLabels([path('runs', 'a', 'last.pt'), 'first.pt'])).to.deep.equal([
      'last.pt',
      'first.pt',
    ]);
    expect(checkpointLabels([path('runs', 'a', 'e.pt'), path('runs', 'b', 'e.pt')])).to.deep.equal([
      path('a', 'e.pt'),
      path('b', 'e.pt'),
    ]);
    expect(checkpointLabels(['e.pt', path('b', 'e.pt')])).to.deep.equal(['e.pt', path('b', 'e.pt')]);
    // One file twice is nothing to tell apart.
    expect(checkpointLabels([path('a', 'e.pt'), path('a', 'e.pt')])).to.deep.equal(['e.pt', 'e.pt']);
  });
});
