import { fileURLToPath } from 'node:url';
import { testExamples } from '@weft/testing';

testExamples(fileURLToPath(new URL('..', import.meta.url)));
