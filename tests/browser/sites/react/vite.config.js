export default { base: '/react/', esbuild: { jsx: 'automatic' }, logLevel: 'warn' };
