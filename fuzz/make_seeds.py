"""Make the seeds of the targets `pyc`, `diff`, `convert` and `flow` again: `./python27-traced fuzz/make_seeds.py`.

Small programs of the corpus, marshalled without a header, the seeds of the readers in pairs, and recordings of
such programs, which say when they were made.
"""
import imp
import marshal
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.path.join(HERE, '..', 'tests', 'corpus')
SEEDS = os.path.join(HERE, 'seeds')
PROGRAMS = ('closures', 'code_names_odd', 'constants_handmade', 'constants_numbers', 'constants_unicode',
            'extended_arg_handmade', 'factorial', 'generator_in_with_and_try')
RECORDED = ('code_objects_replaced', 'constant_mutates', 'extended_arg_handmade', 'factorial', 'generator_send',
            'raise_forms', 'try_finally')
FORMATS = ('line', 'jsonl', 'xpython', 'byterun')  # as Format::ALL


def write(target, name, data):
    folder = os.path.join(SEEDS, target)
    if not os.path.isdir(folder):
        os.mkdir(folder)
    with open(os.path.join(folder, name), 'wb') as seed:
        seed.write(data)


def traces(name):
    folder = os.path.join(SEEDS, name)
    for seed in sorted(os.listdir(folder)):
        with open(os.path.join(folder, seed), 'rb') as trace:
            yield seed.split('.')[0], trace.read()


def compiled(program):
    with open(os.path.join(CORPUS, program + '.py')) as source:
        return marshal.dumps(compile(source.read(), program + '.py', 'exec'))


def recorded(program):
    folder = tempfile.mkdtemp()
    try:
        pyc, flow = os.path.join(folder, program + '.pyc'), os.path.join(folder, program + '.flow')
        with open(pyc, 'wb') as out:
            out.write(imp.get_magic() + 4 * '\0' + compiled(program))
        tracer = os.path.join(HERE, os.pardir, 'tracer.py')
        with open(os.devnull, 'w') as null:
            subprocess.check_call([sys.executable, tracer, '--format', 'flow', pyc, flow], stdout=null)
        with open(flow, 'rb') as recording:
            return recording.read()
    finally:
        shutil.rmtree(folder)


for program in PROGRAMS:
    write('pyc', program, compiled(program))

for program in RECORDED:
    write('flow', program, recorded(program))

for number, name in enumerate(FORMATS):
    for seed, trace in traces(name):
        write('convert', '%s-%s' % (name, seed), chr(number) + trace)
        # Against itself with a step changed, at each level.
        changed = trace.replace('POP_TOP', 'NOP', 1).replace('0', '3', 1)
        for level in range(3):
            choice = chr(number | number << 3 | level << 6)
            write('diff', '%s-%s-%d' % (name, seed, level), choice + trace + '\1' + changed)
