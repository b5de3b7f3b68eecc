import { defineConfig } from 'vite';

/** Where `vite` (npm run dev) finds a running server. */
const server = process.env.WEFT_SERVER ?? 'http://127.0.0.1:8080';
const paths = ['/v1', '/pipelines', '/inspect', '/training', '/healthz', '/readyz'];

export default defineConfig({
  base: './', // the page may stand behind a proxy's prefix
  build: {
    target: 'es2022',
    license: { fileName: 'licenses.md' },
    // One small script: the page is used on loopback and in closed networks, not over a slow line.
    chunkSizeWarningLimit: 300,
  },
  server: { proxy: Object.fromEntries(paths.map((path) => [path, server])) },
});
