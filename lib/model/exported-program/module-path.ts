const maxParts = 64;
const maxLength = 1000;

/** Whether a dotted name is one that a module of Python may have; every part costs a level of recursion. */
export function isModulePath(name: string): boolean {
  return name.length <= maxLength && name.split('.').length <= maxParts;
}
