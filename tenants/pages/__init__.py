"""The pages by which an organization's own people run it, in the organization that their session acts in."""
