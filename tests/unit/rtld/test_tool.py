#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""plinthctl check and link as a program sees them: what JSON holds, files it writes, what is wrong with files and arguments.

Prints TAP. It knows nothing of rtld but the documentation: docs/rtld.md, "On its own".
"""
import hashlib
import json
import os
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

TOOL, SAMPLES = os.path.abspath(sys.argv[1]), sys.argv[2]
HEX = re.compile(r'^0x(0|[1-9a-f][0-9a-f]*)$')
ERROR_KEYS = ['check', 'module', 'table', 'index', 'value', 'limit', 'text']
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def same(what, want, got):
    if want != got:
        raise AssertionError(f'{what}: wanted {want!r}, found {got!r}')


def sample(name):
    return os.path.join(SAMPLES, name + '.so')


def run(*words, **options):
    return subprocess.run([TOOL, *words], capture_output=True, text=True, check=False, timeout=60, **options)


def one_line(result, pattern):
    """One line of complaint, which says what the pattern says."""
    lines = result.stderr.splitlines()
    same('lines of complaint', 1, len(lines))
    if not re.search(pattern, lines[0]):
        raise AssertionError(f'{lines[0]!r} does not say {pattern!r}')


def loads(path):
    """The PT_LOADs of a file: vaddr, memsz, flags."""
    with open(path, 'rb') as f:
        data = f.read()
    at, = struct.unpack_from('<Q', data, 32)
    count, = struct.unpack_from('<H', data, 56)
    for i in range(count):
        kind, flags, _, vaddr, _, _, memsz, _ = struct.unpack_from('<IIQQQQQQ', data, at + 56 * i)
        if kind == 1:
            yield vaddr, memsz, ''.join(c if flags & bit else '-' for c, bit in (('r', 4), ('w', 2), ('x', 1)))


def changed(folder, name, offset, value):
    """A sample with one byte changed."""
    with open(sample(name), 'rb') as f:
        data = bytearray(f.read())
    data[offset] = value
    path = os.path.join(folder, 'changed.so')
    with open(path, 'wb') as f:
        f.write(data)
    return path


@test
def json_of_a_link(folder):
    paths = [sample('base-gnu'), sample('user-gnu')]
    result = run('link', '--json', '--out', folder, *paths)
    same('exit status', (0, ''), (result.returncode, result.stderr))
    got = json.loads(result.stdout)
    same('keys', ['modules', 'undefined', 'errors'], list(got))
    same('undefined and errors', ([], []), (got['undefined'], got['errors']))
    same('files', paths, [m['file'] for m in got['modules']])
    same('names', ['base.so', 'user.so'], [m['name'] for m in got['modules']])
    same('first bias', '0x10000000', got['modules'][0]['bias'])
    written = sorted(os.listdir(folder))
    for number, module in enumerate(got['modules']):
        same('keys of a module', ['file', 'name', 'bias', 'segments', 'init_array'], list(module))
        same('bias', True, bool(HEX.match(module['bias'])))
        same('init_array', int, type(module['init_array']))
        same('segments', [(hex(v), m, f) for v, m, f in loads(module['file'])],
             [(s['vaddr'], s['memsz'], s['flags']) for s in module['segments']])
        for i, segment in enumerate(module['segments']):
            same('keys of a segment', ['vaddr', 'memsz', 'flags', 'sha256'], list(segment))
            name = f'{number:02}-{module["name"]}.{i}.bin'
            with open(os.path.join(folder, name), 'rb') as f:
                data = f.read()
            same(name, (segment['memsz'], segment['sha256']), (len(data), hashlib.sha256(data).hexdigest()))
            written.remove(name)
    same('other files', [], written)


@test
def text_of_a_link_says_the_same(_):
    result = run('link', sample('base-gnu'))
    got = json.loads(run('link', '--json', sample('base-gnu')).stdout)['modules'][0]
    lines = result.stdout.splitlines()[1:]
    same('lines', [[hex(int(s['vaddr'], 16) + int(got['bias'], 16)), str(s['memsz']), s['flags'], s['sha256']]
                   for s in got['segments']],
         [[hex(int(line.split()[0], 16)), *line.split()[1:]] for line in lines])


@test
def undefined_symbols(_):
    result = run('link', '--json', sample('lonely'))
    got = json.loads(result.stdout)
    same('exit status, strict', 1, result.returncode)
    same('keys', ['module', 'symbol'], list(got['undefined'][0]))
    names = [u['symbol'] for u in got['undefined']]
    same('an error for each', names, [re.search(r'\((\w+)\)', e['text'])[1] for e in got['errors'] if e['check'] == 'UNDEFINED'])
    result = run('link', '--json', '--elf-rules', sample('lonely'))
    got = json.loads(result.stdout)
    same('exit status, --elf-rules', 0, result.returncode)
    same('undefined, no errors', (names, []), ([u['symbol'] for u in got['undefined']], got['errors']))


@test
def json_of_a_refused_file(folder):
    bad = changed(folder, 'base-gnu', 18, 3)
    for command in ('link', 'check'):
        result = run(command, '--json', bad)
        error, = json.loads(result.stdout)['errors']
        same('exit status', (1, ''), (result.returncode, result.stderr))
        same('keys', ERROR_KEYS, list(error))
        same('check, module, index', ('EHDR_MACHINE', bad, int), (error['check'], error['module'], type(error['index'])))
        same('value', '0x3', error['value'])
        same('limit', True, bool(HEX.match(error['limit'])))
        same('text', True, error['text'].startswith(bad + ': '))


@test
def where_modules_lie(_):
    for base in ('0x7000', '4096', '0x7f0000000000'):
        got = json.loads(run('link', '--json', '--base', base, sample('user-gnu'), sample('base-gnu')).stdout)
        same('the first', int(base, 0), int(got['modules'][0]['bias'], 16))
    got = json.loads(run('link', '--json', '--elf-rules', sample('base-gnu'), sample('odd')).stdout)['modules']
    low = next(loads(sample('odd')))[0]
    same('the lowest page of the second', 0x10010000, int(got[1]['bias'], 16) + low)


@test
def a_base_that_is_too_high(_):
    for command in ('link', 'check'):
        result = run(command, '--base', '0xfffffffffffff000', sample('base-gnu'))
        same('exit status', 1, result.returncode)
        one_line(result, 'place it lower.*PLACE_WRAP')
        got = json.loads(run(command, '--json', '--base', '0xfffffffffffff000', sample('base-gnu')).stdout)
        same('errors', ['PLACE_WRAP'], [e['check'] for e in got['errors']])


@test
def a_document_whatever_happens(folder):
    """One on standard output, and each reason told: in it, or as an object on standard error."""
    many = [sample('base-gnu')] * 1024
    for command in ('check', 'link', 'plan'):
        result = run(command, '--json', *many)
        error, = json.loads(result.stdout)['errors']
        same('keys', ERROR_KEYS, list(error))
        same('too many', (1, 'SET_FULL', '0x400', '0x3ff'), (result.returncode, error['check'], error['value'], error['limit']))
        same('told twice', error['text'], json.loads(result.stderr)['error'])
        result = run(command, *many)
        same('exit status', 1, result.returncode)
        one_line(result, '1024 files; at most 1023')
    for words in (('link', '--json', '--out', folder + '/none', sample('base-gnu')), ('link', '--json', '--plan', folder + '/none', sample('base-gnu')),
                  ('plan', '--json', '-o', folder + '/none/plan', sample('base-gnu'))):
        result = run(*words)
        same(f'{words}: exit status', 1, result.returncode)
        same(f'{words}: the document', ['modules', 'undefined', 'errors'], list(json.loads(result.stdout))[:3])
        same(f'{words}: the reason', True, json.loads(result.stderr)['error'].startswith(folder + '/none'))
    result = run('symbols', '--json')
    same('symbols', True, result.returncode == 1 and 'error' in json.loads(result.stderr))
    result = run('debug', '--json')
    same('debug', True, result.returncode == 2 and 'which fault' in result.stderr)


@test
def json_of_a_plan(folder):
    path = os.path.join(folder, 'plan')
    result = run('plan', '--json', '-o', path, sample('base-gnu'), sample('user-gnu'))
    got = json.loads(result.stdout)
    same('exit status', (0, ''), (result.returncode, result.stderr))
    same('keys', ['modules', 'undefined', 'errors', 'written'], list(got))
    same('what was written', {'file': path, 'bytes': os.path.getsize(path)}, got['written'])
    result = run('plan', '--json', '-o', path + '2', sample('user-gnu'))
    got = json.loads(result.stdout)
    same('exit status', (1, ''), (result.returncode, result.stderr))
    same('nothing written', (None, False), (got['written'], os.path.exists(path + '2')))
    same('errors', {'NEEDED_MISSING', 'UNDEFINED'}, {e['check'] for e in got['errors']})


@test
def more_findings_than_anybody_reads(folder):
    got = json.loads(run('check', '--json', sample('crowd')).stdout)
    same('all are listed', (70000, 70000, False), (len(got['errors']), len(got['undefined']), 'more' in got))
    got = json.loads(run('check', '--json', sample('crowd'), changed(folder, 'base-gnu', 18, 3)).stdout)
    same('or counted', (['EHDR_MACHINE'], [], {'symbols': 70000, 'modules': 0}),
         ([e['check'] for e in got['errors']], got['undefined'], got['unchecked']))
    lines = run('check', sample('crowd')).stderr.splitlines()
    same('as text', (70000, True), (len(lines), all('UNDEFINED' in line for line in lines)))


@test
def wrong_usage(_):
    for words in (('link',), ('check',), ('link', '--base', '0x123', 'x.so'), ('link', '--base', 'high', 'x.so'),
                  ('link', '--base', '-4096', 'x.so'), ('link', '--base', ' -4096', 'x.so'), ('link', '--base', ' 4096', 'x.so'),
                  ('link', '--out', '', 'x.so'), ('plan', '-o', '', 'x.so'), ('link', '--nonsense', 'x.so'), ('check', '--out', 'x', 'x.so'), ('nonsense',)):
        result = run(*words)
        same(f'exit status of {words}', (2, ''), (result.returncode, result.stdout))
        same(f'{words}: something is said', True, bool(result.stderr))


@test
def files_that_are_none(folder):
    fifo, empty, sparse = (os.path.join(folder, name) for name in ('fifo', 'empty', 'sparse'))
    os.mkfifo(fifo)
    for path, size in ((empty, 0), (sparse, 4 << 30)):
        with open(path, 'wb') as f:
            f.truncate(size)
    begin = time.monotonic()
    for command in ('link', 'check'):
        for path, why in ((fifo, 'not a regular file'), (folder, 'not a regular file|directory'), (empty, 'FILE_SIZE'),
                          (sparse, '0x100000000.*FILE_SIZE'), (os.path.join(folder, 'none'), 'No such file')):
            result = run(command, path)
            same(f'exit status for {path}', 1, result.returncode)
            one_line(result, re.escape(path) + '.*(' + why + ')')
    same('all of it at once', True, time.monotonic() - begin < 20)
    got = json.loads(run('link', '--json', fifo, sample('base-gnu')).stdout)
    same('a file that cannot be read is an error', [('FILE_READ', fifo)], [(e['check'], e['module']) for e in got['errors']])
    same('and nothing is linked', [], [s for m in got['modules'] for s in m['segments'] if 'sha256' in s])


@test
def names_are_bytes(folder):
    """As JSON, UTF-8 from which the name can be had back; as text, nothing that acts on a terminal."""
    for name, shown, in_json in ((b'z\xc3\xbcrich.so', 'zürich.so', 'zürich.so'), (b'caf\xe9.so', 'caf\\xe9.so', 'caf\\xe9.so'),
                                 (b'a\x1b[2J\nb\\.so', 'a\\x1b[2J\\x0ab\\\\.so', 'a\x1b[2J\nb\\\\.so')):
        path = os.path.join(folder.encode(), name)
        shutil.copyfile(sample('base-gnu'), path)
        for command in ('check', 'link'):
            result = subprocess.run([TOOL, command, '--json', path], capture_output=True, check=False)
            same(f'{command} --json', os.path.join(folder, in_json), json.loads(result.stdout.decode())['modules'][0]['file'])
            result = subprocess.run([TOOL, command, path], capture_output=True, check=False)
            same(f'{command}', f'base.so ({folder}/{shown})', result.stdout.decode().split('\n', maxsplit=1)[0][:len(folder) + len(shown) + 11])
        missing = subprocess.run([TOOL, 'check', '--json', path + b'.none'], capture_output=True, check=False)
        same('an error', True, json.loads(missing.stderr.decode())['error'].startswith(os.path.join(folder, in_json)))


@test
def names_of_options(folder):
    for words in (('-h',), ('--help',), ('help',), ('load', '-h'), ('check', '-h'), ('log', '--help')):
        result = run(*words)
        same(f'{words}', (0, ''), (result.returncode, result.stderr))
        same(f'{words}: usage', True, 'sage:' in result.stdout)
    for word in ('--version', '-V'):
        result = run(word)
        same(word, True, result.returncode == 0 and bool(re.fullmatch(r'plinthctl \d+\.\d+\.\d+\n', result.stdout)))
    same('-j', list(json.loads(run('check', '--json', sample('base-gnu')).stdout)),
         list(json.loads(run('check', '-j', sample('base-gnu')).stdout)))
    for number, option in enumerate(('-o', '--output', '--out')):
        out = os.path.join(folder, str(number))
        os.mkdir(out)
        same(option, 0, run('link', option, out, sample('base-gnu')).returncode)
        same(f'{option}: files', True, bool(os.listdir(out)))
    for heap, status in (('64k', 1), ('64K', 1), ('1m', 1), ('64x', 2), ('k', 2)):
        same(f'--heap {heap}', status, run('load', '--heap', heap, '--modules', folder + '/none').returncode)


@test
def one_file_twice(_):
    result = run('link', '--json', sample('base-gnu'), sample('base-gnu'))
    checks = {e['check'] for e in json.loads(result.stdout)['errors']}
    same('refused by name and by symbols', (1, {'NAME_TWICE', 'DEFINED_TWICE'}), (result.returncode, checks))


@test
def nothing_half_written(folder):
    missing = os.path.join(folder, 'missing')
    one_line(run('link', '--out', missing, sample('base-gnu')), re.escape(missing) + '.*No such file')
    one_line(run('link', '--out', '/dev/full', sample('base-gnu')), 'Not a directory')

    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1200, 1200))

    sizes = [m for _, m, _ in loads(sample('base-gnu'))]
    same('only the second module has a segment that is too long', True, max(sizes) < 1200)
    old = os.path.join(folder, '00-base.so.0.bin')
    with open(old, 'w', encoding='ascii') as f:
        f.write('as it was')
    # Counts of what was executed would be cut off, too, and with them those of all others.
    with tempfile.TemporaryDirectory() as counts:
        result = run('link', '--out', folder, sample('base-gnu'), sample('user-gnu'), preexec_fn=small_files,
                     env=dict(os.environ, GCOV_PREFIX=counts))
    same('exit status', 1, result.returncode)
    one_line(result, 'user.*File too large')
    with open(old, encoding='ascii') as f:
        same('what was there', 'as it was', f.read())
    same('files', ['00-base.so.0.bin'], os.listdir(folder))


@test
def all_or_none(folder):
    """What has the name of a file that would be written: a file is replaced, and nothing else is."""
    paths = [sample('base-gnu'), sample('user-gnu')]
    run('link', '--out', folder, *paths)
    names = sorted(os.listdir(folder))
    for kind in ('folder', 'fifo', 'folder instead of the old file'):
        for name in names:
            with open(os.path.join(folder, name), 'w', encoding='ascii') as f:
                f.write('as it was')
        odd = os.path.join(folder, names[-1] if 'old' not in kind else names[-1] + '.old')
        if 'old' not in kind:
            os.remove(odd)
        (os.mkfifo if kind == 'fifo' else os.mkdir)(odd)
        before = sorted(os.listdir(folder))
        result = run('link', '--out', folder, *paths)
        same(f'{kind}: exit status', 1, result.returncode)
        one_line(result, names[-1] + '.*(directory|exists)')
        same(f'{kind}: names', before, sorted(os.listdir(folder)))
        for name in names[:-1]:
            with open(os.path.join(folder, name), encoding='ascii') as f:
                same(f'{kind}: {name}', 'as it was', f.read())
        (os.remove if kind == 'fifo' else os.rmdir)(odd)
    os.symlink('/dev/null', os.path.join(folder, 'link'))
    os.replace(os.path.join(folder, 'link'), os.path.join(folder, names[-1]))
    same('a link is replaced itself', 0, run('link', '--out', folder, *paths).returncode)
    same('names', names, sorted(os.listdir(folder)))
    same('none is a link', [], [n for n in names if os.path.islink(os.path.join(folder, n))])
    one_line(run('link', '--out', folder + '/' * 4096, *paths), 'name of the folder is too long')


@test
def standard_output_that_is_full(_):
    for words in (('link', sample('base-gnu')), ('link', '--json', sample('base-gnu')), ('check', sample('base-gnu'))):
        with open('/dev/full', 'w', encoding='ascii') as full:
            result = subprocess.run([TOOL, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        same(f'exit status of {words[0]}', 1, result.returncode)
        one_line(result, 'standard output.*No space')


@test
def what_a_refused_file_keeps_from_being_known(folder):
    bad = changed(folder, 'base-gnu', 18, 3)
    whole = json.loads(run('check', '--json', sample('user-gnu')).stdout)
    missing = [e['check'] for e in whole['errors']]
    result = run('check', sample('user-gnu'), bad)
    refusal, note = result.stderr.splitlines()
    same('the refusal', True, 'EHDR_MACHINE' in refusal)
    same('the note', f'note: undefined symbols ({missing.count("UNDEFINED")}) and missing modules '
         f'({missing.count("NEEDED_MISSING")}) not checked, because {bad} was refused and may provide them', note)
    got = json.loads(run('check', '--json', sample('user-gnu'), bad).stdout)
    same('errors', ['EHDR_MACHINE'], [e['check'] for e in got['errors']])
    same('unchecked', {'symbols': missing.count('UNDEFINED'), 'modules': missing.count('NEEDED_MISSING')}, got['unchecked'])
    got = json.loads(run('check', '--json', sample('base-gnu'), sample('base-gnu'), bad).stdout)
    same('what else is wrong is told', True, 'NAME_TWICE' in {e['check'] for e in got['errors']})


@test
def no_driver_and_no_rights(folder):
    """As nobody. Whoever is not root has shown it by all of the above."""
    if os.getuid():
        return
    copy = os.path.join(folder, 'base.so')
    shutil.copyfile(sample('base-gnu'), copy)
    os.chmod(folder, 0o755)
    with open(TOOL, 'rb') as tool:
        result = subprocess.run([f'/proc/self/fd/{tool.fileno()}', 'link', copy], check=False, capture_output=True, text=True,
                                pass_fds=(tool.fileno(),), user=65534, group=65534, extra_groups=[])
    same('exit status', (0, ''), (result.returncode, result.stderr))


def main():
    print(f'1..{len(TESTS)}')
    for number, function in enumerate(TESTS, 1):
        name = function.__name__.replace('_', ' ')
        try:
            with tempfile.TemporaryDirectory() as folder:
                function(folder)
            print(f'ok {number} - {name}')
        except (AssertionError, ValueError, KeyError, subprocess.TimeoutExpired) as e:
            print(f'not ok {number} - {name}')
            print('# ' + str(e).replace('\n', '\n# '))
    return 0


if __name__ == '__main__':
    sys.exit(main())
