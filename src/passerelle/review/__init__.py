"""The pages that people read: My path, feedback, the review sheet, the course, the programme, My data."""
