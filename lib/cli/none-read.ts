/** On stderr: results of problems alone are no reason to overwrite what an earlier run has finished. */
export function sayNoneRead(): void {
  process.stderr.write('\nlossatlas: no checkpoint could be read. Nothing was written.\n');
}
