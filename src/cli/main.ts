process.stdout.write('slipway\n');
