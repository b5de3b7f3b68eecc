import { weftTests } from '../testing/src/config.ts';

export default weftTests();
