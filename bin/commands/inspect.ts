export default { command: 'inspect', describe: 'inspect', handler: () => {} };
