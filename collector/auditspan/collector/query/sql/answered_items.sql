SELECT DISTINCT Item AS item
FROM recertifications
WHERE CampaignId = {campaign:String} AND Event = 'answered'
