import { InputError, isWeftError } from '@weft/errors';

const error = new InputError({
  operation: 'greet',
  expected: 'a name',
  received: 'nothing',
  remedy: 'say who you are',
});
if (!isWeftError(error) || error.remedy !== 'say who you are') throw new Error('not what was thrown');
console.log('ok', error.message);
