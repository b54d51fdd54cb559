"""Make the seeds of the targets `pyc`, `diff` and `convert` anew: Python 2.7, `fuzz/make_seeds.py`.

Small programs of the corpus, marshalled without a header, and the seeds of the readers in pairs.
"""
import marshal
import os

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.path.join(HERE, '..', 'tests', 'corpus')
SEEDS = os.path.join(HERE, 'seeds')
PROGRAMS = ('closures', 'code_names_odd', 'constants_handmade', 'constants_numbers', 'constants_unicode',
            'extended_arg_handmade', 'factorial', 'generator_in_with_and_try')
FORMATS = ('blog', 'jsonl', 'xpython')  # as Format::ALL


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


for program in PROGRAMS:
    with open(os.path.join(CORPUS, program + '.py')) as source:
        write('pyc', program, marshal.dumps(compile(source.read(), program + '.py', 'exec')))

for number, name in enumerate(FORMATS):
    for seed, trace in traces(name):
        write('convert', '%s-%s' % (name, seed), chr(number) + trace)
        # Against itself with a step changed, at each level.
        changed = trace.replace('POP_TOP', 'NOP', 1).replace('0', '3', 1)
        for level in range(3):
            choice = chr(number | number << 2 | level << 4)
            write('diff', '%s-%s-%d' % (name, seed, level), choice + trace + '\1' + changed)
