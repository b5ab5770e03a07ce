"""The command that takes over models of other programs: import."""

import click

from sedsep.cli.train import DIRECTORY, FILE


@click.command("import")
@click.argument("checkpoint", type=FILE)
@click.argument("out", type=DIRECTORY)
@click.option("--proof", type=FILE, help="npz file of an input and what the peer made of it (waveform, strong, "
              "weak; or input, output): the import must reproduce it.")  # fmt: skip
@click.option("--proof-of", type=click.Choice(["student", "teacher"]), default="student", show_default=True,
              help="The network of a detector that made the proof.")  # fmt: skip
@click.option("--classes", "names", type=FILE, help="Names of the classes, one per line; by default DESED's ten.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE",
              help="What the file does not say of the model: mask_act=relu, net.pooling=...")  # fmt: skip
def import_(checkpoint, out, proof, proof_of, names, settings):
    """Turn another program's CHECKPOINT into model files of sedsep: OUT/best_<variant>.pt.

    Read are the DCASE 2021 task 4 baseline (DESED_task, .ckpt: student and teacher) and asteroid's ConvTasNet.
    Nothing in the file is executed. Every file written is loaded again, must say what the peer's network says, and
    keeps that proof.
    """
    from sedsep.engine.imported import import_checkpoint
    from sedsep.labels import Classes

    classes = Classes.read(names) if names else None
    for line in import_checkpoint(checkpoint, out, proof, proof_of, classes, settings):
        click.echo(line)


COMMANDS = [import_]
