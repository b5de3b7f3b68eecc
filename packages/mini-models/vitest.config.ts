import { weftTests } from '../../tooling/testing/src/config.ts';

export default weftTests();
