import { InputError } from '@weft/errors';

/** The backends that weft runs on, and `auto` for the best that answers. */
export const backendNames = ['auto', 'native', 'tensorflow', 'wasm', 'cpu'] as const;
export type BackendName = (typeof backendNames)[number];
/** A backend that is one, not a choice. */
export type ConcreteBackend = Exclude<BackendName, 'auto'>;

/** @throws InputError for a name that is none of the five. */
export function checkBackendName(operation: string, name: string): BackendName {
  const known = backendNames.find((candidate) => candidate === name);
  if (known !== undefined) return known;
  throw new InputError({
    operation,
    expected: `one of ${backendNames.join(', ')}`,
    received: JSON.stringify(name),
    remedy: 'use `auto` to let weft choose',
  });
}
