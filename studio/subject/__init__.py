"""What a photo shows: where the eye goes, the subject, faces."""
