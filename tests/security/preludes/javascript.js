if (require('fs').readFileSync('/proc/1/comm', 'utf8') !== 'runlog-agent\n' || process.getuid() === 0) {
    console.log('BREACH: this is no sandbox');
    process.exit(99);
}
