"""stub."""
import click


@click.command()
def models():
    """S."""
