import util from 'node:util';

/**
 * tfjs-node 4.22 calls type tests that Node 23 removed from `util`. This gives them back, before the import.
 * Importing the module is what applies it.
 */
const removed: Record<string, (value: unknown) => boolean> = {
  isNullOrUndefined: (value) => value === null || value === undefined,
  isNull: (value) => value === null,
  isUndefined: (value) => value === undefined,
  isArray: Array.isArray,
  isString: (value) => typeof value === 'string',
  isNumber: (value) => typeof value === 'number',
  isBoolean: (value) => typeof value === 'boolean',
  isFunction: (value) => typeof value === 'function',
  isObject: (value) => typeof value === 'object' && value !== null,
};

for (const [name, test] of Object.entries(removed)) {
  if (!(name in util)) Object.assign(util, { [name]: test });
}

export const shimmedNames = Object.keys(removed);
