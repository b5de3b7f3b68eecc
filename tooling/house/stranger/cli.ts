import { main } from '@weft/cli';

const code = await main(['--version']);
if (code !== 0) throw new Error(`exit code ${code}`);
console.log('ok');
