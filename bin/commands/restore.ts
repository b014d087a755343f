export default { command: 'restore', describe: 'restore', handler: () => {} };
